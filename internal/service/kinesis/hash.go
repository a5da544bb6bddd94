package kinesis

import (
	"crypto/md5"
	"encoding/hex"
	"fmt"
	"math/big"
	"slices"
	"strings"

	api "github.com/aloft-cloud/aloft/internal/api/kinesis"
)

var keySpace = new(big.Int).Lsh(big.NewInt(1), 128) // past the last hash key

// hashKey is where a record with that partition key goes.
func hashKey(partitionKey string) string {
	sum := md5.Sum([]byte(partitionKey))
	return hex.EncodeToString(sum[:])
}

// parseHashKey reads a hash key in decimal.
func parseHashKey(text, name string) (string, error) {
	n, ok := new(big.Int).SetString(text, 10)
	if !ok || n.Sign() < 0 || n.Cmp(keySpace) >= 0 {
		return "", api.InvalidArgumentException.Errorf("Invalid %[1]s. %[1]s must be in the range: [0, 2^128-1]. Specified value was %[2]s", name, text)
	}
	return hexKey(n), nil
}

func hexKey(n *big.Int) string { return fmt.Sprintf("%032x", n) }

func keyOf(hexKey string) *big.Int {
	n, _ := new(big.Int).SetString(hexKey, 16)
	return n
}

// decimal is a hash key as AWS writes it.
func decimal(hexKey string) string { return keyOf(hexKey).String() }

// plus is the hash key n past another.
func plus(hexKeyed string, n int64) string {
	return hexKey(new(big.Int).Add(keyOf(hexKeyed), big.NewInt(n)))
}

// bounds are the first hash keys of n shards of like size.
func bounds(n int) []string {
	out := make([]string, n)
	for i := range out {
		b := new(big.Int).Mul(keySpace, big.NewInt(int64(i)))
		out[i] = hexKey(b.Div(b, big.NewInt(int64(n))))
	}
	return out
}

const lastKey = "ffffffffffffffffffffffffffffffff"

// openShards returns the indexes of the open shards, in order of hash keys.
func (s *stream) openShards() []int {
	var open []int
	for i := range s.Shards {
		if s.Shards[i].open() {
			open = append(open, i)
		}
	}
	slices.SortFunc(open, func(a, b int) int { return strings.Compare(s.Shards[a].First, s.Shards[b].First) })
	return open
}

// shardFor returns the open shard that has a hash key.
func (s *stream) shardFor(key string) *shard {
	for i := range s.Shards {
		if sh := &s.Shards[i]; sh.open() && sh.First <= key && key <= sh.Last {
			return sh
		}
	}
	return nil // open shards have all keys
}

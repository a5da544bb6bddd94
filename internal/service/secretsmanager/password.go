package secretsmanager

import (
	"context"
	"crypto/rand"
	"math/big"
	"strings"

	api "github.com/aloft-cloud/aloft/internal/api/secretsmanager"
	"github.com/aloft-cloud/aloft/internal/aws"
)

const (
	lower       = "abcdefghijklmnopqrstuvwxyz"
	upper       = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
	digits      = "0123456789"
	punctuation = "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~"
)

// GetRandomPassword makes a password.
func (s *Service) GetRandomPassword(_ context.Context, _ *aws.Call, in *api.GetRandomPasswordInput) (*api.GetRandomPasswordOutput, error) {
	var sets []string
	for _, c := range []struct {
		letters string
		out     bool
	}{
		{lower, aws.Value(in.ExcludeLowercase)}, {upper, aws.Value(in.ExcludeUppercase)}, {digits, aws.Value(in.ExcludeNumbers)},
		{punctuation, aws.Value(in.ExcludePunctuation)}, {" ", !aws.Value(in.IncludeSpace)},
	} {
		left := strings.Map(func(r rune) rune {
			if strings.ContainsRune(aws.Value(in.ExcludeCharacters), r) {
				return -1
			}
			return r
		}, c.letters)
		if !c.out && left != "" {
			sets = append(sets, left)
		}
	}
	n := int(aws.Or(in.PasswordLength, 32))
	each := aws.Or(in.RequireEachIncludedType, true)
	switch {
	case len(sets) == 0:
		return nil, invalid("There are no characters left that a password could be made of.")
	case each && n < len(sets):
		return nil, invalid("The password length is too short for the required character types.")
	}
	all := strings.Join(sets, "")
	b := make([]byte, n)
	for i := range b {
		set := all
		if each && i < len(sets) {
			set = sets[i]
		}
		b[i] = set[random(len(set))]
	}
	for i := n - 1; i > 0; i-- {
		j := random(i + 1)
		b[i], b[j] = b[j], b[i]
	}
	return &api.GetRandomPasswordOutput{RandomPassword: new(string(b))}, nil
}

// random is a number below n, each as likely as the others.
func random(n int) int {
	i, err := rand.Int(rand.Reader, big.NewInt(int64(n)))
	if err != nil {
		panic(err) // which crypto/rand says it never is
	}
	return int(i.Int64())
}

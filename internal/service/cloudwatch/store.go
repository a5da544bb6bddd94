package cloudwatch

import (
	"cmp"
	"encoding/binary"
	"errors"
	"slices"
	"strings"
	"time"

	api "github.com/aloft-cloud/aloft/internal/api/cloudwatch"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/stat"
	"github.com/aloft-cloud/aloft/internal/store"
	"github.com/aloft-cloud/aloft/internal/store/due"
)

var (
	metrics    = store.NewBytes[aws.ARN]("cloudwatch.metric") // under metricsOf; see metricID
	points     = store.NewBytes[aws.ARN]("cloudwatch.point")  // likewise; see pointKey
	sweeps     = due.NewTimes[metricKey]("cloudwatch.sweep")
	alarms     = store.NewTable[aws.ARN, alarm]("cloudwatch.alarm")
	checks     = due.NewTimes[aws.ARN]("cloudwatch.check")
	parents    = store.NewTable[parentKey, struct{}]("cloudwatch.parent")
	history    = store.NewTable[historyKey, historyItem]("cloudwatch.history")
	dashboards = store.NewTable[aws.ARN, dashboard]("cloudwatch.dashboard")
)

// metricsOf is what the metrics of an account in a region are under.
func metricsOf(call *aws.Call) aws.ARN { return call.ARN("cloudwatch", "metric") }

// A metricKey names a metric.
type metricKey struct {
	Of aws.ARN // metricsOf
	ID string  // metricID
}

// A metric is one that has data.
type metric struct {
	Namespace, Name string
	Dimensions      []api.Dimension // in order of their names
}

// newMetric is the metric that a caller means.
func newMetric(namespace, name string, dimensions []api.Dimension) metric {
	m := metric{namespace, name, slices.Clone(dimensions)}
	slices.SortFunc(m.Dimensions, func(a, b api.Dimension) int {
		return cmp.Or(strings.Compare(a.Name, b.Name), strings.Compare(a.Value, b.Value))
	})
	return m
}

// id is the key of m under metricsOf. No id is the beginning of another.
func (m *metric) id() []byte {
	id := store.AppendString(make([]byte, 0, 64), m.Namespace)
	id = store.AppendString(id, m.Name)
	id = append(id, byte(len(m.Dimensions)))
	for _, d := range m.Dimensions {
		id = store.AppendString(store.AppendString(id, d.Name), d.Value)
	}
	return id
}

var errID = errors.New("malformed metric id")

// parseID is the inverse of id.
func parseID(id []byte) (m metric, err error) {
	text := func() string {
		var s []byte
		if err == nil {
			s, id, err = store.CutString(id)
		}
		return string(s)
	}
	m.Namespace, m.Name = text(), text()
	if err != nil || len(id) == 0 {
		return m, errID
	}
	n := int(id[0])
	id = id[1:]
	for range n {
		m.Dimensions = append(m.Dimensions, api.Dimension{Name: text(), Value: text()})
	}
	return m, err
}

// A metricRow is what is known of a metric besides its name and data.
type metricRow struct {
	Last  time.Time // it had new data, as far as that is noted; see noteEvery
	Sweep time.Time // when it is due to be swept
}

// AppendBinary appends r as bytes.
func (r *metricRow) AppendBinary(b []byte) ([]byte, error) {
	b = binary.BigEndian.AppendUint64(b, uint64(r.Last.UnixMilli()))
	return binary.BigEndian.AppendUint64(b, uint64(r.Sweep.UnixMilli())), nil
}

// UnmarshalBinary is the inverse of AppendBinary.
func (r *metricRow) UnmarshalBinary(b []byte) error {
	if len(b) != 16 {
		return errID
	}
	r.Last = time.UnixMilli(int64(binary.BigEndian.Uint64(b))).UTC()
	r.Sweep = time.UnixMilli(int64(binary.BigEndian.Uint64(b[8:]))).UTC()
	return nil
}

// A tier is how finely data is kept that is not older than for.
type tier struct {
	seconds int64
	keep    time.Duration
}

// tiers are as AWS has them. What grows too old for one goes on to the next.
var tiers = [...]tier{
	{1, 3 * time.Hour},
	{60, 15 * 24 * time.Hour},
	{300, 63 * 24 * time.Hour},
	{3600, 455 * 24 * time.Hour},
}

// pointKey is the key of what was measured of a metric in the slot of a tier
// that begins at a time in seconds, in a unit.
func pointKey(id []byte, tier int, at int64, unit byte) []byte {
	key := append(append(make([]byte, 0, len(id)+10), id...), byte(tier))
	return append(binary.BigEndian.AppendUint64(key, uint64(at)), unit)
}

// parsePointKey returns what the key of a point says besides the metric.
func parsePointKey(key []byte) (at int64, unit byte) {
	n := len(key)
	return int64(binary.BigEndian.Uint64(key[n-9:])), key[n-1]
}

// A point is what was measured in a slot in a unit.
type point struct {
	at   int64 // seconds
	unit byte
	set  stat.Set
}

// readPoints yields the points of a metric from a time, before another, of
// every tier.
func readPoints(tx *store.Tx, of aws.ARN, id []byte, from, to int64, yield func(point) error) error {
	rows := points.Rows(of)
	for t := range tiers {
		for key, row := range rows.Scan(tx, pointKey(id, t, from, 0), pointKey(id, t, to, 0)) {
			p := point{}
			p.at, p.unit = parsePointKey(key)
			if err := p.set.UnmarshalBinary(row); err != nil {
				return err
			}
			if err := yield(p); err != nil {
				return err
			}
		}
	}
	return tx.Err()
}

// mergePoint adds a set to the point of a key.
func mergePoint(tx *store.Tx, rows store.Rows, key []byte, set *stat.Set) error {
	var all stat.Set
	err := rows.Read(tx, key, all.UnmarshalBinary)
	switch {
	case errors.Is(err, store.ErrNotFound):
		all = *set
	case err != nil:
		return err
	default:
		all.Merge(set)
	}
	row, err := all.AppendBinary(nil)
	if err != nil {
		return err
	}
	return rows.Put(tx, key, row)
}

// units are numbered by their place: it is part of the data format.
var units = []string{
	"None", "Seconds", "Microseconds", "Milliseconds", "Bytes", "Kilobytes", "Megabytes", "Gigabytes", "Terabytes",
	"Bits", "Kilobits", "Megabits", "Gigabits", "Terabits", "Percent", "Count", "Bytes/Second", "Kilobytes/Second",
	"Megabytes/Second", "Gigabytes/Second", "Terabytes/Second", "Bits/Second", "Kilobits/Second", "Megabits/Second",
	"Gigabits/Second", "Terabits/Second", "Count/Second",
}

// unitOf is the number of a unit; "" is None.
func unitOf(name string) byte { return byte(max(0, slices.Index(units, name))) }

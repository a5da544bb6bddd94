package cloudwatch

import (
	"maps"
	"slices"
	"time"

	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/stat"
	"github.com/aloft-cloud/aloft/internal/store"
)

// A span is the periods that a question is about: from, before to, each so
// many seconds long.
type span struct{ from, to, period int64 }

// newSpan rounds times as AWS does: the older data is, the coarser.
func newSpan(from, to time.Time, period int64, now time.Time) span {
	step := int64(60)
	switch age := now.Sub(from); {
	case age > tiers[2].keep:
		step = 3600
	case age > tiers[1].keep:
		step = 300
	case period < 60:
		step = period
	}
	start := from.Unix()
	return span{start - mod(start, step), to.Unix(), period}
}

func mod(a, b int64) int64 { return (a%b + b) % b }

// checkPeriod refuses a period that no data has.
func checkPeriod(member string, period int64) error {
	switch {
	case period == 1, period == 5, period == 10, period == 20, period == 30, period%60 == 0:
		return nil
	}
	return badValue("The parameter %s must be 1, 5, 10, 20, 30 or a multiple of 60.", member)
}

// A binning is what was measured of a metric, by unit and the beginning of the period.
type binning map[byte]map[int64]*stat.Set

// readBins reads what was measured of a metric within a span.
func readBins(tx *store.Tx, of aws.ARN, m *metric, sp span) (binning, error) {
	bins := make(binning)
	err := readPoints(tx, of, m.id(), sp.from, sp.to, func(p point) error {
		at := p.at - mod(p.at-sp.from, sp.period)
		byTime := bins[p.unit]
		if byTime == nil {
			byTime = make(map[int64]*stat.Set)
			bins[p.unit] = byTime
		}
		if set := byTime[at]; set != nil {
			set.Merge(&p.set)
		} else {
			byTime[at] = &p.set
		}
		return nil
	})
	return bins, err
}

// units are those that bins has data in, in order of their names.
func (bins binning) units() []string {
	var names []string
	for unit := range bins {
		names = append(names, units[unit])
	}
	slices.Sort(names)
	return names
}

// times are those of the periods that have data in a unit, the first first.
func (bins binning) times(unit byte) []int64 { return slices.Sorted(maps.Keys(bins[unit])) }

package route53

import (
	"cmp"
	"context"
	"math/rand/v2"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/miekg/dns"

	api "github.com/aloft-cloud/aloft/internal/api/route53"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/store"
)

const (
	maxAliases = 8   // one after another
	maxAnswers = 8   // of records with several values
	aliasTTL   = 60  // seconds, of what an alias leads to
	udpSize    = 512 // of an answer, to who has not said more
)

// vendors are the zones in which AWS names what it runs, which is here.
var vendors = []string{"amazonaws.com.", "api.aws.", "on.aws.", "cloudfront.net.", "amazoncognito.com.", "amplifyapp.com."}

// An index is the zones of all accounts, by name.
type index map[string][]aws.ARN

// indexed returns the index as it is now.
func (s *Service) indexed(ctx context.Context) (*index, error) {
	if all := s.zones.Load(); all != nil {
		return all, nil
	}
	before := s.epoch.Load()
	var all index
	err := s.db.View(ctx, func(tx *store.Tx) error {
		all = make(index)
		made := make(map[aws.ARN]time.Time)
		private := make(map[aws.ARN]bool)
		for arn, z := range zones.Scan(tx, aws.ARN{}) {
			all[z.Name] = append(all[z.Name], arn)
			made[arn], private[arn] = z.Created, z.Private
		}
		for _, arns := range all { // public ones first, and who was first
			slices.SortFunc(arns, func(a, b aws.ARN) int {
				if private[a] != private[b] {
					return cmp.Compare(boolInt(private[a]), boolInt(private[b]))
				}
				return made[a].Compare(made[b])
			})
		}
		return tx.Err()
	})
	if err != nil {
		return nil, err
	}
	s.zones.Store(&all)
	if s.epoch.Load() != before {
		s.zones.CompareAndSwap(&all, nil)
	}
	return &all, nil
}

func boolInt(b bool) int {
	if b {
		return 1
	}
	return 0
}

// zoneOf returns the zone that a name is in, and its name.
func (all *index) zoneOf(name string) (aws.ARN, string, bool) {
	for rest := name; rest != ""; {
		if arns := (*all)[rest]; len(arns) > 0 {
			return arns[0], rest, true
		}
		_, rest, _ = strings.Cut(rest, ".")
	}
	return aws.ARN{}, "", false
}

// Answer answers a question over DNS. here is the address of the platform, to
// which AWS's own names lead.
func (s *Service) Answer(ctx context.Context, q *dns.Msg, here netip.Addr) *dns.Msg {
	out := new(dns.Msg)
	out.SetReply(q)
	if len(q.Question) != 1 || q.Opcode != dns.OpcodeQuery {
		out.Rcode = dns.RcodeNotImplemented
		return out
	}
	name, err := canonical(q.Question[0].Name)
	if err != nil {
		out.Rcode = dns.RcodeFormatError
		return out
	}
	all, err := s.indexed(ctx)
	if err == nil {
		err = s.db.View(ctx, func(tx *store.Tx) error {
			r := &resolution{tx: tx, all: all, here: here, kind: q.Question[0].Qtype, out: out}
			if s.besides != nil && here.IsLoopback() { // others do not reach what is at addresses of this host alone
				r.beside = func(name string) (netip.Addr, bool) { return s.besides(ctx, name) }
			}
			out.Answer, out.Ns = nil, nil
			r.answer(q.Question[0].Name, name, 0)
			return tx.Err()
		})
	}
	if err != nil {
		out.SetRcode(q, dns.RcodeServerFailure)
	}
	return out
}

// A resolution is a question on its way to an answer.
type resolution struct {
	tx   *store.Tx
	all  *index
	here netip.Addr
	kind uint16
	out  *dns.Msg

	beside func(name string) (netip.Addr, bool) // see Beside; may be nil
}

// answer adds what there is to say of name, which was asked for as asked.
func (r *resolution) answer(asked, name string, depth int) {
	arn, zone, ours := r.all.zoneOf(name)
	if !ours {
		if !r.place(asked, name) && depth == 0 {
			r.out.Rcode = dns.RcodeRefused // we ask nobody else
		}
		return
	}
	r.out.Authoritative = true
	sets := r.lookup(arn, zone, name)
	if len(sets) == 0 {
		r.out.Rcode = dns.RcodeNameError
		r.authority(arn, zone)
		return
	}
	before := len(r.out.Answer)
	for _, set := range choose(sets, dns.TypeToString[r.kind]) {
		r.add(asked, set, depth)
	}
	if len(r.out.Answer) == before && depth == 0 {
		r.authority(arn, zone)
	}
}

// lookup are the record sets for a name of a zone: its own, or those of a wildcard.
func (r *resolution) lookup(arn aws.ARN, zone, name string) []api.ResourceRecordSet {
	sets := r.sets(arn, name)
	_, parent, _ := strings.Cut(name, ".")
	for ; len(sets) == 0 && len(parent) >= len(zone); _, parent, _ = strings.Cut(parent, ".") {
		sets = r.sets(arn, `\052.`+parent)
	}
	return sets
}

// sets are the record sets of a name.
func (r *resolution) sets(arn aws.ARN, name string) []api.ResourceRecordSet {
	var out []api.ResourceRecordSet
	for _, set := range records.Scan(r.tx, recordKey{Zone: arn, Name: reversed(name)}) {
		out = append(out, set)
	}
	return out
}

// add adds a record set to the answer, under the name that was asked for.
func (r *resolution) add(asked string, set api.ResourceRecordSet, depth int) {
	if alias := set.AliasTarget; alias != nil {
		if depth == maxAliases {
			return
		}
		if name, err := canonical(alias.DNSName); err == nil {
			r.answer(asked, name, depth+1)
		}
		return
	}
	for _, v := range set.ResourceRecords {
		rr, err := newRR(".", set.Type, aws.Value(set.TTL), v.Value)
		if err != nil {
			continue // it was checked when it was kept
		}
		rr.Header().Name = asked
		r.out.Answer = append(r.out.Answer, rr)
		if c, ok := rr.(*dns.CNAME); ok && r.kind != dns.TypeCNAME && depth < maxAliases {
			if name, err := canonical(c.Target); err == nil {
				r.answer(c.Target, name, depth+1)
			}
		}
	}
}

// place says of one of AWS's names where the platform is.
func (r *resolution) place(asked, name string) bool {
	if !slices.ContainsFunc(vendors, func(v string) bool { return name == v || strings.HasSuffix(name, "."+v) }) {
		return false
	}
	at := r.here
	if r.beside != nil {
		if own, has := r.beside(name); has {
			at = own
		}
	}
	head := dns.RR_Header{Name: asked, Class: dns.ClassINET, Ttl: aliasTTL}
	switch {
	case r.kind == dns.TypeA && at.Is4():
		head.Rrtype = dns.TypeA
		r.out.Answer = append(r.out.Answer, &dns.A{Hdr: head, A: at.AsSlice()})
	case r.kind == dns.TypeAAAA && at.Is6():
		head.Rrtype = dns.TypeAAAA
		r.out.Answer = append(r.out.Answer, &dns.AAAA{Hdr: head, AAAA: at.AsSlice()})
	}
	return true
}

// authority says for how long there is nothing.
func (r *resolution) authority(arn aws.ARN, zone string) {
	for _, set := range r.sets(arn, zone) {
		if set.Type != "SOA" || len(set.ResourceRecords) == 0 {
			continue
		}
		if rr, err := newRR(zone, "SOA", aws.Value(set.TTL), set.ResourceRecords[0].Value); err == nil {
			r.out.Ns = append(r.out.Ns, rr)
		}
	}
}

// choose returns the sets that answer a question for a type: those of it, or
// the CNAME; and of those with identifiers one, but for several values.
func choose(sets []api.ResourceRecordSet, kind string) []api.ResourceRecordSet {
	of := func(kind string) []api.ResourceRecordSet {
		return slices.DeleteFunc(slices.Clone(sets), func(s api.ResourceRecordSet) bool { return s.Type != kind })
	}
	if kind == "ANY" {
		return sets
	}
	found := of(kind)
	if len(found) == 0 {
		found = of("CNAME")
	}
	if len(found) == 0 || found[0].SetIdentifier == nil {
		return found
	}
	switch first := found[0]; {
	case first.Weight != nil:
		return weighted(found)
	case aws.Value(first.MultiValueAnswer):
		rand.Shuffle(len(found), func(i, j int) { found[i], found[j] = found[j], found[i] })
		return found[:min(len(found), maxAnswers)]
	case first.Failover != nil:
		if i := slices.IndexFunc(found, func(s api.ResourceRecordSet) bool { return aws.Value(s.Failover) == "PRIMARY" }); i >= 0 {
			return found[i : i+1]
		}
	case first.GeoLocation != nil:
		everywhere := func(s api.ResourceRecordSet) bool {
			return s.GeoLocation != nil && aws.Value(s.GeoLocation.CountryCode) == "*"
		}
		if i := slices.IndexFunc(found, everywhere); i >= 0 {
			return found[i : i+1]
		}
	}
	return found[:1]
}

// weighted returns one of the sets, as often as its weight says.
func weighted(sets []api.ResourceRecordSet) []api.ResourceRecordSet {
	total := int64(0)
	for _, s := range sets {
		total += aws.Value(s.Weight)
	}
	if total == 0 {
		i := rand.IntN(len(sets))
		return sets[i : i+1]
	}
	n := rand.Int64N(total)
	for i, s := range sets {
		if n -= aws.Value(s.Weight); n < 0 {
			return sets[i : i+1]
		}
	}
	return nil
}

// TestDNSAnswer says what a question would be answered with.
func (s *Service) TestDNSAnswer(ctx context.Context, call *aws.Call, in *api.TestDNSAnswerInput) (*api.TestDNSAnswerOutput, error) {
	name, err := canonical(in.RecordName)
	if err != nil {
		return nil, err
	}
	out := &api.TestDNSAnswerOutput{Nameserver: "ns-512.awsdns-00.net", RecordName: in.RecordName, RecordType: in.RecordType, RecordData: []string{}, Protocol: "UDP"}
	err = s.db.View(ctx, func(tx *store.Tx) error {
		arn, z, err := findZone(tx, call, in.HostedZoneId)
		if err != nil {
			return err
		}
		reply := new(dns.Msg)
		r := &resolution{tx: tx, all: &index{z.Name: {arn}}, here: netip.AddrFrom4([4]byte{127, 0, 0, 1}), kind: dns.StringToType[in.RecordType], out: reply}
		r.answer(name, name, 0)
		out.ResponseCode, out.RecordData = dns.RcodeToString[reply.Rcode], out.RecordData[:0]
		for _, rr := range reply.Answer {
			if dns.TypeToString[rr.Header().Rrtype] == in.RecordType {
				out.RecordData = append(out.RecordData, strings.TrimPrefix(rr.String(), rr.Header().String()))
			}
		}
		return tx.Err()
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// UDPSize is how long an answer over UDP may be, to who asks q.
func UDPSize(q *dns.Msg) int {
	if opt := q.IsEdns0(); opt != nil {
		return max(udpSize, min(int(opt.UDPSize()), 4096))
	}
	return udpSize
}

package route53

import (
	"cmp"
	"context"
	"encoding/binary"
	"encoding/hex"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/miekg/dns"

	api "github.com/aloft-cloud/aloft/internal/api/route53"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/store"
)

const (
	pageSize   = 100
	zonesMax   = 500 // of an account
	ofServers  = 172800
	ofAuthors  = 900
	authorMail = "awsdns-hostmaster.amazon.com. 1 7200 900 1209600 86400"
)

// changeTime is how much of the id of a change says when it was made.
const changeTime = 16

// newChange is a change that is made now. Its id says when that was.
func newChange(comment *string) *api.ChangeInfo {
	now := time.Now().UTC().Truncate(time.Millisecond)
	var at [8]byte
	binary.BigEndian.PutUint64(at[:], uint64(now.UnixMilli()))
	return &api.ChangeInfo{Id: "/change/C" + strings.ToUpper(hex.EncodeToString(at[:])) + newID("")[:8], Status: "PENDING", SubmittedAt: now, Comment: comment}
}

// GetChange says that a change is in effect, which it is since it was kept.
func (s *Service) GetChange(_ context.Context, _ *aws.Call, in *api.GetChangeInput) (*api.GetChangeOutput, error) {
	id := strings.TrimPrefix(strings.TrimPrefix(in.Id, "/"), "change/")
	if len(id) > changeTime+1 && id[0] == 'C' {
		at, err := hex.DecodeString(id[1 : changeTime+1])
		if ms := int64(0); err == nil {
			if ms = int64(binary.BigEndian.Uint64(at)); ms >= 0 && ms <= time.Now().UnixMilli() {
				return &api.GetChangeOutput{ChangeInfo: &api.ChangeInfo{Id: "/change/" + id, Status: "INSYNC", SubmittedAt: time.UnixMilli(ms).UTC()}}, nil
			}
		}
	}
	return nil, api.NoSuchChange.Errorf("Could not find resource with ID: %s", id)
}

// canonical is a name as zones and records have it: small, with a dot at the
// end, and with other bytes than letters of names escaped.
func canonical(name string) (string, error) {
	name = strings.ToLower(name)
	var b strings.Builder
	for i := 0; i < len(name); i++ {
		c := name[i]
		switch {
		case c == '\\' && i+3 < len(name) && isOctal(name[i+1:i+4]):
			n, _ := strconv.ParseUint(name[i+1:i+4], 8, 8)
			escape(&b, byte(n))
			i += 3
		default:
			escape(&b, c)
		}
	}
	out := strings.TrimSuffix(b.String(), ".") + "."
	if _, ok := dns.IsDomainName(strings.NewReplacer(`\052`, "*").Replace(out)); !ok || out == "." || strings.Contains(out, "..") || out[0] == '.' {
		return "", api.InvalidDomainName.Errorf("%s is not a valid domain name", name)
	}
	return out, nil
}

func isOctal(s string) bool { return strings.Trim(s, "01234567") == "" && s[0] <= '3' }

// escape writes a byte of a name, in octal if it is no letter of one.
func escape(b *strings.Builder, c byte) {
	if c >= 'a' && c <= 'z' || c >= '0' && c <= '9' || c == '-' || c == '_' || c == '.' {
		b.WriteByte(c)
		return
	}
	if c >= 'A' && c <= 'Z' {
		b.WriteByte(c + 'a' - 'A')
		return
	}
	octal := strconv.FormatUint(uint64(c), 8)
	b.WriteString(`\` + strings.Repeat("0", 3-len(octal)) + octal)
}

// CreateHostedZone makes a zone, with its NS and SOA records.
func (s *Service) CreateHostedZone(ctx context.Context, call *aws.Call, in *api.CreateHostedZoneInput) (*api.CreateHostedZoneOutput, error) {
	if in.DelegationSetId != nil {
		return nil, aws.NotImplemented.Errorf("Aloft does not answer route53:CreateHostedZone with DelegationSetId yet.")
	}
	name, err := canonical(in.Name)
	if err != nil {
		return nil, err
	}
	z := zone{Name: name, Reference: in.CallerReference, Created: time.Now().UTC(), Records: 2}
	if c := in.HostedZoneConfig; c != nil {
		z.Comment = c.Comment
	}
	if in.VPC != nil {
		z.Private, z.VPCs = true, []api.VPC{*in.VPC}
	}
	if c := in.HostedZoneConfig; c != nil && aws.Value(c.PrivateZone) != z.Private {
		return nil, api.InvalidInput.Errorf("When you're creating a private hosted zone (when you specify true for PrivateZone), you must also specify a value for VPC.")
	}
	arn := keyOf(call, zoneKind, newID("Z"))
	err = s.db.Update(ctx, func(tx *store.Tx) error {
		n := 0
		for _, old := range zones.Scan(tx, shelf(call)) {
			if n++; old.Reference == z.Reference {
				return api.HostedZoneAlreadyExists.Errorf("A hosted zone has already been created with the specified caller reference.")
			}
		}
		if n >= zonesMax {
			return api.TooManyHostedZones.Errorf("Limits Exceeded: MAX_HOSTED_ZONES_BY_OWNER - Cannot create more hosted zones.")
		}
		s.changed(tx)
		for _, set := range z.first(arn) {
			if err := records.Put(tx, recordKey{arn, reversed(name), set.Type, ""}, set); err != nil {
				return err
			}
		}
		if err := homes.Put(tx, homeOf(arn), call.Account); err != nil {
			return err
		}
		return zones.Put(tx, arn, z)
	})
	if err != nil {
		return nil, err
	}
	out := &api.CreateHostedZoneOutput{HostedZone: z.describe(arn), ChangeInfo: newChange(nil), VPC: in.VPC, Location: "https://route53.amazonaws.com/2013-04-01/hostedzone/" + idOf(arn)}
	if !z.Private {
		out.DelegationSet = z.delegation(arn)
	}
	return out, nil
}

// servers are the name servers of a zone, by name.
func (z *zone) servers(arn aws.ARN) []string {
	id, n := idOf(arn), 0
	for _, c := range id {
		n = (n*31 + int(c)) % 512
	}
	var out []string
	for i, end := range []string{"com", "net", "org", "co.uk"} {
		out = append(out, "ns-"+strconv.Itoa(n+512*i)+".awsdns-"+strconv.Itoa(n%64 + 10)[:2]+"."+end)
	}
	return out
}

func (z *zone) delegation(arn aws.ARN) *api.DelegationSet {
	return &api.DelegationSet{NameServers: z.servers(arn)}
}

// first are the records that a zone begins with.
func (z *zone) first(arn aws.ARN) []api.ResourceRecordSet {
	ns := api.ResourceRecordSet{Name: z.Name, Type: "NS", TTL: new(int64(ofServers))}
	for _, server := range z.servers(arn) {
		ns.ResourceRecords = append(ns.ResourceRecords, api.ResourceRecord{Value: server + "."})
	}
	soa := api.ResourceRecordSet{Name: z.Name, Type: "SOA", TTL: new(int64(ofAuthors)), ResourceRecords: []api.ResourceRecord{{Value: ns.ResourceRecords[0].Value + " " + authorMail}}}
	return []api.ResourceRecordSet{ns, soa}
}

func (z *zone) describe(arn aws.ARN) *api.HostedZone {
	return &api.HostedZone{
		Id: "/hostedzone/" + idOf(arn), Name: z.Name, CallerReference: z.Reference,
		Config: &api.HostedZoneConfig{Comment: z.Comment, PrivateZone: &z.Private}, ResourceRecordSetCount: &z.Records,
	}
}

// GetHostedZone tells all about a zone.
func (s *Service) GetHostedZone(ctx context.Context, call *aws.Call, in *api.GetHostedZoneInput) (*api.GetHostedZoneOutput, error) {
	var arn aws.ARN
	var z zone
	err := s.db.View(ctx, func(tx *store.Tx) (err error) {
		arn, z, err = findZone(tx, call, in.Id)
		return err
	})
	if err != nil {
		return nil, err
	}
	out := &api.GetHostedZoneOutput{HostedZone: z.describe(arn), VPCs: z.VPCs}
	if !z.Private {
		out.DelegationSet = z.delegation(arn)
	}
	return out, nil
}

// listed returns the zones of the caller that keep says, by id.
func (s *Service) listed(ctx context.Context, call *aws.Call, keep func(*zone) bool) ([]api.HostedZone, error) {
	var out []api.HostedZone
	err := s.db.View(ctx, func(tx *store.Tx) error {
		out = []api.HostedZone{}
		for arn, z := range zones.Scan(tx, shelf(call)) {
			if keep(&z) {
				out = append(out, *z.describe(arn))
			}
		}
		return tx.Err()
	})
	return out, err
}

func all(*zone) bool { return true }

// limit is how many a page has, and how answers say so.
func limit(text *string) (int, string, error) {
	if text == nil {
		return pageSize, strconv.Itoa(pageSize), nil
	}
	n, err := strconv.Atoi(*text)
	if err != nil || n < 1 {
		return 0, "", api.InvalidInput.Errorf("MaxItems must be a number of at least 1")
	}
	return min(n, pageSize), *text, nil
}

// ListHostedZones lists the zones of an account.
func (s *Service) ListHostedZones(ctx context.Context, call *aws.Call, in *api.ListHostedZonesInput) (*api.ListHostedZonesOutput, error) {
	n, text, err := limit(in.MaxItems)
	if err != nil {
		return nil, err
	}
	found, err := s.listed(ctx, call, func(z *zone) bool { return in.HostedZoneType == nil || z.Private })
	if err != nil {
		return nil, err
	}
	marker := aws.Value(in.Marker)
	i, _ := slices.BinarySearchFunc(found, marker, func(z api.HostedZone, id string) int {
		return cmp.Compare(strings.TrimPrefix(z.Id, "/hostedzone/"), id)
	})
	out := &api.ListHostedZonesOutput{HostedZones: found[i:], Marker: marker, MaxItems: text}
	if len(out.HostedZones) > n {
		out.IsTruncated, out.NextMarker = true, new(strings.TrimPrefix(out.HostedZones[n].Id, "/hostedzone/"))
		out.HostedZones = out.HostedZones[:n]
	}
	return out, nil
}

// ListHostedZonesByName lists the zones of an account by name, from the right.
func (s *Service) ListHostedZonesByName(ctx context.Context, call *aws.Call, in *api.ListHostedZonesByNameInput) (*api.ListHostedZonesByNameOutput, error) {
	n, text, err := limit(in.MaxItems)
	if err != nil {
		return nil, err
	}
	if in.HostedZoneId != nil && in.DNSName == nil {
		return nil, api.InvalidInput.Errorf("The request must include a DNSName when it includes a HostedZoneId")
	}
	found, err := s.listed(ctx, call, all)
	if err != nil {
		return nil, err
	}
	order := func(name, id string) string { return reversed(name) + "\x00" + strings.TrimPrefix(id, "/hostedzone/") }
	slices.SortFunc(found, func(a, b api.HostedZone) int { return cmp.Compare(order(a.Name, a.Id), order(b.Name, b.Id)) })
	out := &api.ListHostedZonesByNameOutput{DNSName: in.DNSName, HostedZoneId: in.HostedZoneId, MaxItems: text, HostedZones: found}
	if in.DNSName != nil {
		name, err := canonical(*in.DNSName)
		if err != nil {
			return nil, err
		}
		from := order(name, aws.Value(in.HostedZoneId))
		out.HostedZones = slices.DeleteFunc(found, func(z api.HostedZone) bool { return order(z.Name, z.Id) < from })
	}
	if len(out.HostedZones) > n {
		next := out.HostedZones[n]
		out.IsTruncated, out.NextDNSName, out.NextHostedZoneId = true, new(next.Name), new(strings.TrimPrefix(next.Id, "/hostedzone/"))
		out.HostedZones = out.HostedZones[:n]
	}
	return out, nil
}

// ListHostedZonesByVPC lists the private zones of a network.
func (s *Service) ListHostedZonesByVPC(ctx context.Context, call *aws.Call, in *api.ListHostedZonesByVPCInput) (*api.ListHostedZonesByVPCOutput, error) {
	_, text, err := limit(in.MaxItems)
	if err != nil {
		return nil, err
	}
	found, err := s.listed(ctx, call, func(z *zone) bool { return z.has(in.VPCId, in.VPCRegion) >= 0 })
	if err != nil {
		return nil, err
	}
	out := &api.ListHostedZonesByVPCOutput{HostedZoneSummaries: []api.HostedZoneSummary{}, MaxItems: text}
	for _, z := range found {
		out.HostedZoneSummaries = append(out.HostedZoneSummaries, api.HostedZoneSummary{
			HostedZoneId: strings.TrimPrefix(z.Id, "/hostedzone/"), Name: z.Name, Owner: &api.HostedZoneOwner{OwningAccount: &call.Account},
		})
	}
	return out, nil
}

// has returns which of the zone's networks is that one, or -1.
func (z *zone) has(id, region string) int {
	return slices.IndexFunc(z.VPCs, func(v api.VPC) bool { return aws.Value(v.VPCId) == id && aws.Value(v.VPCRegion) == region })
}

// GetHostedZoneCount counts the zones of an account.
func (s *Service) GetHostedZoneCount(ctx context.Context, call *aws.Call, _ *api.GetHostedZoneCountInput) (*api.GetHostedZoneCountOutput, error) {
	found, err := s.listed(ctx, call, all)
	if err != nil {
		return nil, err
	}
	return &api.GetHostedZoneCountOutput{HostedZoneCount: int64(len(found))}, nil
}

// UpdateHostedZoneComment changes what is said of a zone.
func (s *Service) UpdateHostedZoneComment(ctx context.Context, call *aws.Call, in *api.UpdateHostedZoneCommentInput) (*api.UpdateHostedZoneCommentOutput, error) {
	out := &api.UpdateHostedZoneCommentOutput{}
	err := s.changeZone(ctx, call, in.Id, func(_ *store.Tx, arn aws.ARN, z *zone) error {
		z.Comment = in.Comment
		out.HostedZone = z.describe(arn)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// AssociateVPCWithHostedZone gives a private zone another network.
func (s *Service) AssociateVPCWithHostedZone(ctx context.Context, call *aws.Call, in *api.AssociateVPCWithHostedZoneInput) (*api.AssociateVPCWithHostedZoneOutput, error) {
	err := s.changeZone(ctx, call, in.HostedZoneId, func(_ *store.Tx, _ aws.ARN, z *zone) error {
		if !z.Private {
			return api.PublicZoneVPCAssociation.Errorf("You can't associate a public hosted zone with a VPC.")
		}
		if z.has(aws.Value(in.VPC.VPCId), aws.Value(in.VPC.VPCRegion)) < 0 {
			z.VPCs = append(z.VPCs, *in.VPC)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &api.AssociateVPCWithHostedZoneOutput{ChangeInfo: newChange(in.Comment)}, nil
}

// DisassociateVPCFromHostedZone takes a network from a private zone.
func (s *Service) DisassociateVPCFromHostedZone(ctx context.Context, call *aws.Call, in *api.DisassociateVPCFromHostedZoneInput) (*api.DisassociateVPCFromHostedZoneOutput, error) {
	err := s.changeZone(ctx, call, in.HostedZoneId, func(_ *store.Tx, _ aws.ARN, z *zone) error {
		i := z.has(aws.Value(in.VPC.VPCId), aws.Value(in.VPC.VPCRegion))
		switch {
		case i < 0:
			return api.VPCAssociationNotFound.Errorf("The VPC that you specified is not associated with the hosted zone.")
		case len(z.VPCs) == 1:
			return api.LastVPCAssociation.Errorf("The VPC that you are trying to disassociate from the private hosted zone is the last VPC that is associated with the private hosted zone.")
		}
		z.VPCs = slices.Delete(z.VPCs, i, i+1)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &api.DisassociateVPCFromHostedZoneOutput{ChangeInfo: newChange(in.Comment)}, nil
}

// DeleteHostedZone removes a zone that has no records but those it began with.
func (s *Service) DeleteHostedZone(ctx context.Context, call *aws.Call, in *api.DeleteHostedZoneInput) (*api.DeleteHostedZoneOutput, error) {
	err := s.db.Update(ctx, func(tx *store.Tx) error {
		arn, z, err := findZone(tx, call, in.Id)
		if err != nil {
			return err
		}
		if z.Records > 2 {
			return api.HostedZoneNotEmpty.Errorf("The specified hosted zone contains non-required resource record sets  and so cannot be deleted.")
		}
		s.changed(tx)
		if err := records.DeletePrefix(tx, recordKey{Zone: arn}); err != nil {
			return err
		}
		if err := homes.Delete(tx, homeOf(arn)); err != nil {
			return err
		}
		return zones.Delete(tx, arn)
	})
	if err != nil {
		return nil, err
	}
	return &api.DeleteHostedZoneOutput{ChangeInfo: newChange(nil)}, nil
}

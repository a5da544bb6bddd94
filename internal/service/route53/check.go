package route53

import (
	"fmt"
	"net/netip"
	"strings"

	"github.com/miekg/dns"

	api "github.com/aloft-cloud/aloft/internal/api/route53"
	"github.com/aloft-cloud/aloft/internal/aws"
)

// checkForm refuses a change whose members do not go together.
func checkForm(c *api.Change) error {
	set := c.ResourceRecordSet
	id := "null"
	if set.SetIdentifier != nil {
		id = *set.SetIdentifier
	}
	where := fmt.Sprintf(" in Change with [Action=%s, Name=%s, Type=%s, SetIdentifier=%s]", c.Action, set.Name, set.Type, id)
	const one = "Invalid request: Expected exactly one of [AliasTarget, all of [TTL, and ResourceRecords], or TrafficPolicyInstanceId], but found "
	plain := set.TTL != nil && len(set.ResourceRecords) > 0
	switch {
	case set.TrafficPolicyInstanceId != nil || set.CidrRoutingConfig != nil || set.GeoProximityLocation != nil:
		return aws.NotImplemented.Errorf("Aloft does not answer route53:ChangeResourceRecordSets with traffic policies, CIDR routing or places near each other yet.")
	case set.AliasTarget != nil && (set.TTL != nil || len(set.ResourceRecords) > 0):
		return api.InvalidInput.Errorf("%smore than one%s", one, where)
	case set.AliasTarget == nil && !plain && (set.TTL != nil || len(set.ResourceRecords) > 0):
		missing := "TTL"
		if set.TTL != nil {
			missing = "ResourceRecords"
		}
		return api.InvalidInput.Errorf("Invalid request: Missing field '%s'%s", missing, where)
	case set.AliasTarget == nil && !plain:
		return api.InvalidInput.Errorf("%snone%s", one, where)
	}
	policies := 0
	for _, given := range []bool{set.Weight != nil, set.Region != nil, set.GeoLocation != nil, set.Failover != nil, aws.Value(set.MultiValueAnswer)} {
		if given {
			policies++
		}
	}
	switch {
	case policies > 1:
		return api.InvalidInput.Errorf("Invalid request: Expected exactly one of [Weight, Region, Failover, GeoLocation, or MultiValueAnswer], but found more than one%s", where)
	case policies == 1 && set.SetIdentifier == nil:
		return api.InvalidInput.Errorf("Invalid request: Missing field 'SetIdentifier'%s", where)
	case policies == 0 && set.SetIdentifier != nil:
		return api.InvalidInput.Errorf("Invalid request: Expected exactly one of [Weight, Region, Failover, GeoLocation, or MultiValueAnswer], but found none%s", where)
	}
	return nil
}

// checkSet says what is wrong with a record set in a zone, or "".
func checkSet(z *zone, set *api.ResourceRecordSet) string {
	if set.Name != z.Name && !strings.HasSuffix(set.Name, "."+z.Name) {
		return fmt.Sprintf("RRSet with DNS name %s is not permitted in zone %s", set.Name, z.Name)
	}
	if set.Type == "CNAME" && set.Name == z.Name {
		return fmt.Sprintf("RRSet of type CNAME with DNS name %s is not permitted at apex in zone %s", set.Name, z.Name)
	}
	if set.Type == "SOA" && set.Name != z.Name {
		return fmt.Sprintf("RRSet of type SOA with DNS name %s is not permitted: it must have the name of the zone %s", set.Name, z.Name)
	}
	seen := make(map[string]bool, len(set.ResourceRecords))
	for _, r := range set.ResourceRecords {
		if seen[r.Value] {
			return fmt.Sprintf("Duplicate Resource Record: '%s'", r.Value)
		}
		seen[r.Value] = true
		if problem := checkValue(set.Type, r.Value); problem != "" {
			return fmt.Sprintf("Invalid Resource Record: 'FATAL problem: %s encountered with '%s''", problem, r.Value)
		}
	}
	if (set.Type == "CNAME" || set.Type == "SOA") && len(set.ResourceRecords) > 1 {
		return fmt.Sprintf("%s has more than one record: only one is permitted", set.Type)
	}
	return ""
}

// checkValue says what problem there is with a value, in AWS's words for the
// usual ones.
func checkValue(kind, value string) string {
	switch addr, err := netip.ParseAddr(value); {
	case kind == "A" && (err != nil || !addr.Is4()):
		return "ARRDATAIllegalIPv4Address (Value is not a valid IPv4 address)"
	case kind == "AAAA" && (err != nil || !addr.Is6()):
		return "AAAARRDATAIllegalIPv6Address (Value is not a valid IPv6 address)"
	case (kind == "TXT" || kind == "SPF") && !strings.HasPrefix(strings.TrimSpace(value), `"`):
		return "InvalidCharacterString (Value should be enclosed in quotation marks)"
	}
	if strings.ContainsAny(value, "\r\n;") && kind != "TXT" && kind != "SPF" && kind != "CAA" {
		return "InvalidValue (Value is not one record)"
	}
	if _, err := newRR("a.", kind, 0, value); err != nil {
		return "InvalidValue (Value is not valid for the type " + kind + ")"
	}
	return ""
}

// newRR is a record for answers.
func newRR(name, kind string, ttl int64, value string) (dns.RR, error) {
	rr, err := dns.NewRR(fmt.Sprintf("%s %d IN %s %s", name, ttl, kind, value))
	if err == nil && rr == nil {
		err = fmt.Errorf("no record: %q", value)
	}
	return rr, err
}

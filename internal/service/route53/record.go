package route53

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"strings"

	api "github.com/aloft-cloud/aloft/internal/api/route53"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/store"
)

const (
	maxChanges = 1000 // in a batch
	maxSets    = 300  // on a page
	maxRecords = 10_000
)

// ChangeResourceRecordSets makes all changes of a batch, or none.
func (s *Service) ChangeResourceRecordSets(ctx context.Context, call *aws.Call, in *api.ChangeResourceRecordSetsInput) (*api.ChangeResourceRecordSetsOutput, error) {
	if len(in.ChangeBatch.Changes) > maxChanges {
		return nil, refuse(fmt.Sprintf("Number of records limit of %d exceeded.", maxChanges))
	}
	for i := range in.ChangeBatch.Changes {
		if err := checkForm(&in.ChangeBatch.Changes[i]); err != nil {
			return nil, err
		}
	}
	err := s.changeZone(ctx, call, in.HostedZoneId, func(tx *store.Tx, arn aws.ARN, z *zone) error {
		b := &batch{tx: tx, arn: arn, zone: z}
		for i := range in.ChangeBatch.Changes {
			c := &in.ChangeBatch.Changes[i]
			wrong, err := b.change(c.Action, *c.ResourceRecordSet)
			if err != nil {
				return err
			}
			if wrong != "" {
				b.wrong = append(b.wrong, wrong)
			}
		}
		if len(b.wrong) == 0 {
			if err := b.checkWhole(); err != nil {
				return err
			}
		}
		if len(b.wrong) > 0 {
			return refuse(b.wrong...)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &api.ChangeResourceRecordSetsOutput{ChangeInfo: newChange(in.ChangeBatch.Comment)}, nil
}

// refuse refuses a batch for what is wrong with it.
func refuse(wrong ...string) error {
	return api.InvalidChangeBatch.With(nil, "["+strings.Join(wrong, ", ")+"]")
}

// A batch is changes of a zone, as they are made.
type batch struct {
	tx    *store.Tx
	arn   aws.ARN
	zone  *zone
	names []string // whose records changed
	wrong []string
}

// change makes a change, or says what is wrong with it.
func (b *batch) change(action string, set api.ResourceRecordSet) (wrong string, err error) {
	if set.Name, err = canonical(set.Name); err != nil {
		return "", err
	}
	if wrong := checkSet(b.zone, &set); wrong != "" && action != api.ChangeActionDelete {
		return wrong, nil
	}
	key := recordKey{b.arn, reversed(set.Name), set.Type, aws.Value(set.SetIdentifier)}
	old, err := records.Get(b.tx, key)
	there := err == nil
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return "", err
	}
	tried := fmt.Sprintf("resource record set [name='%s', type='%s'", set.Name, set.Type)
	if set.SetIdentifier != nil {
		tried += fmt.Sprintf(", set identifier='%s'", *set.SetIdentifier)
	}
	switch action {
	case api.ChangeActionCreate:
		if there {
			return "Tried to create " + tried + "] but it already exists", nil
		}
	case api.ChangeActionDelete:
		switch {
		case !there:
			return "Tried to delete " + tried + "] but it was not found", nil
		case !same(&old, &set):
			return "Tried to delete " + tried + "] but the values provided do not match the current values", nil
		}
		b.zone.Records--
		b.names = append(b.names, set.Name)
		return "", records.Delete(b.tx, key)
	}
	if !there {
		if b.zone.Records++; b.zone.Records > maxRecords {
			return fmt.Sprintf("Number of records limit of %d exceeded.", maxRecords), nil
		}
	}
	b.names = append(b.names, set.Name)
	return "", records.Put(b.tx, key, set)
}

// same reports whether two record sets say the same.
func same(a, b *api.ResourceRecordSet) bool {
	x, y := *a, *b
	if x.AliasTarget != nil && y.AliasTarget != nil {
		one, two := *x.AliasTarget, *y.AliasTarget
		one.DNSName, two.DNSName = bare(one.DNSName), bare(two.DNSName)
		x.AliasTarget, y.AliasTarget = &one, &two
	}
	return reflect.DeepEqual(x, y)
}

func bare(name string) string { return strings.TrimSuffix(strings.ToLower(name), ".") }

// checkWhole finds what the changes of a batch make wrong together.
func (b *batch) checkWhole() error {
	for _, name := range b.names {
		kinds := make(map[string]bool)  // of records of the name
		routed := make(map[string]bool) // by kind, whether they have identifiers
		for key, set := range records.Scan(b.tx, recordKey{Zone: b.arn, Name: reversed(name)}) {
			if was, there := routed[key.Type]; there && was != (set.SetIdentifier != nil) {
				b.wrong = append(b.wrong, fmt.Sprintf("RRSet with DNS name %s, type %s, SetIdentifier %s cannot be created as a non-weighted, non-latency-based, non-geolocation, non-multivalue or non-failover set exists with the same name and type.",
					name, key.Type, aws.Value(set.SetIdentifier)))
				break
			}
			kinds[key.Type], routed[key.Type] = true, set.SetIdentifier != nil
		}
		if err := b.tx.Err(); err != nil {
			return err
		}
		if kinds["CNAME"] && len(kinds) > 1 {
			b.wrong = append(b.wrong, fmt.Sprintf("RRSet of type CNAME with DNS name %s is not permitted as it conflicts with other records with the same DNS name in zone %s", name, b.zone.Name))
		}
		if name != b.zone.Name {
			continue
		}
		if !kinds["SOA"] {
			b.wrong = append(b.wrong, "A HostedZone must contain exactly one SOA record.")
		}
		if !kinds["NS"] {
			b.wrong = append(b.wrong, "A HostedZone must contain at least one NS record for the zone itself.")
		}
	}
	return nil
}

// ListResourceRecordSets lists records of a zone, by name from the right, and
// by type.
func (s *Service) ListResourceRecordSets(ctx context.Context, call *aws.Call, in *api.ListResourceRecordSetsInput) (*api.ListResourceRecordSetsOutput, error) {
	n, text := maxSets, "300"
	if in.MaxItems != nil {
		var err error
		if n, text, err = limit(in.MaxItems); err != nil {
			return nil, err
		}
	}
	if in.StartRecordType != nil && in.StartRecordName == nil || in.StartRecordIdentifier != nil && in.StartRecordType == nil {
		return nil, api.InvalidInput.Errorf("The input is not valid: a type needs a name, and an identifier a type.")
	}
	from := recordKey{Type: aws.Value(in.StartRecordType), ID: aws.Value(in.StartRecordIdentifier)}
	if in.StartRecordName != nil {
		name, err := canonical(*in.StartRecordName)
		if err != nil {
			return nil, err
		}
		from.Name = reversed(name)
	}
	out := &api.ListResourceRecordSetsOutput{MaxItems: text}
	err := s.db.View(ctx, func(tx *store.Tx) error {
		arn, _, err := findZone(tx, call, in.HostedZoneId)
		if err != nil {
			return err
		}
		from.Zone, out.ResourceRecordSets = arn, []api.ResourceRecordSet{}
		for key, set := range records.Range(tx, from, recordKey{Zone: after(arn)}) {
			if key.Zone != arn {
				break
			}
			if len(out.ResourceRecordSets) == n {
				out.IsTruncated, out.NextRecordName, out.NextRecordType, out.NextRecordIdentifier = true, &set.Name, &set.Type, set.SetIdentifier
				break
			}
			out.ResourceRecordSets = append(out.ResourceRecordSets, set)
		}
		return tx.Err()
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// after is a name behind that of a zone.
func after(arn aws.ARN) aws.ARN {
	arn.Resource += "\x7f"
	return arn
}

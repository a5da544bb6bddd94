package resource

import (
	"errors"
	"maps"
	"slices"
	"strings"

	"github.com/aloft-cloud/aloft/internal/api/route53"
	"github.com/aloft-cloud/aloft/internal/aws"
)

// Route53 has the types of Route 53.
func Route53() []*Type {
	return []*Type{hostedZone(), recordSet(), recordSetGroup(), healthCheck()}
}

func hostedZone() *Type {
	return &Type{
		Name:       "AWS::Route53::HostedZone",
		Properties: Props("HostedZoneConfig HostedZoneTags Name!@ VPCs QueryLoggingConfig- HostedZoneFeatures-"),
		Attributes: []string{"Id", "NameServers"},
		Create: func(op *Op) (*Made, error) {
			in := &route53.CreateHostedZoneInput{Name: op.Text("Name"), CallerReference: op.Token}
			private := list(op.New["VPCs"])
			if len(private) > 0 {
				in.VPC = network(private[0])
			}
			if config := object(op.New["HostedZoneConfig"]); config["Comment"] != nil || in.VPC != nil {
				in.HostedZoneConfig = &route53.HostedZoneConfig{PrivateZone: new(in.VPC != nil)}
				if config["Comment"] != nil {
					in.HostedZoneConfig.Comment = new(text(config["Comment"]))
				}
			}
			out, err := Do(op, route53.CreateHostedZone, in)
			if errors.Is(err, route53.HostedZoneAlreadyExists) {
				return findZone(op) // it was made before a crash
			}
			if err != nil {
				return nil, err
			}
			made := madeZone(out.HostedZone.Id, out.DelegationSet)
			for _, vpc := range private[min(len(private), 1):] {
				if _, err := Do(op, route53.AssociateVPCWithHostedZone, &route53.AssociateVPCWithHostedZoneInput{HostedZoneId: made.PhysicalID, VPC: network(vpc)}); err != nil {
					return made, err
				}
			}
			return made, tagNames(op, "hostedzone", "HostedZoneTags", made.PhysicalID)
		},
		Update: updateZone,
		Delete: func(op *Op) error {
			_, err := Do(op, route53.DeleteHostedZone, &route53.DeleteHostedZoneInput{Id: op.PhysicalID})
			return err
		},
	}
}

func network(v any) *route53.VPC {
	o := object(v)
	return &route53.VPC{VPCId: new(text(o["VPCId"])), VPCRegion: new(text(o["VPCRegion"]))}
}

func madeZone(id string, servers *route53.DelegationSet) *Made {
	id = strings.TrimPrefix(id, "/hostedzone/")
	made := &Made{PhysicalID: id, Attributes: map[string]any{"Id": id}}
	if servers != nil {
		var names []any
		for _, name := range servers.NameServers {
			names = append(names, name)
		}
		made.Attributes["NameServers"] = names
	}
	return made
}

// findZone finds the zone that op made, by its reference.
func findZone(op *Op) (*Made, error) {
	in := &route53.ListHostedZonesInput{}
	for {
		out, err := Do(op, route53.ListHostedZones, in)
		if err != nil {
			return nil, err
		}
		for _, z := range out.HostedZones {
			if z.CallerReference == op.Token {
				return describedZone(op, z.Id)
			}
		}
		if in.Marker = out.NextMarker; in.Marker == nil {
			return nil, &Refusal{"The hosted zone that was made is gone."}
		}
	}
}

func describedZone(op *Op, id string) (*Made, error) {
	out, err := Do(op, route53.GetHostedZone, &route53.GetHostedZoneInput{Id: id})
	if err != nil {
		return nil, err
	}
	return madeZone(id, out.DelegationSet), nil
}

func updateZone(op *Op) (*Made, error) {
	id := op.PhysicalID
	if op.Changed("HostedZoneConfig") {
		in := &route53.UpdateHostedZoneCommentInput{Id: id, Comment: new(text(object(op.New["HostedZoneConfig"])["Comment"]))}
		if _, err := Do(op, route53.UpdateHostedZoneComment, in); err != nil {
			return nil, err
		}
	}
	for _, vpc := range list(op.New["VPCs"]) {
		if !slices.ContainsFunc(list(op.Old["VPCs"]), func(old any) bool { return Equal(old, vpc) }) {
			if _, err := Do(op, route53.AssociateVPCWithHostedZone, &route53.AssociateVPCWithHostedZoneInput{HostedZoneId: id, VPC: network(vpc)}); err != nil {
				return nil, err
			}
		}
	}
	for _, vpc := range list(op.Old["VPCs"]) {
		if !slices.ContainsFunc(list(op.New["VPCs"]), func(is any) bool { return Equal(is, vpc) }) {
			if _, err := Do(op, route53.DisassociateVPCFromHostedZone, &route53.DisassociateVPCFromHostedZoneInput{HostedZoneId: id, VPC: network(vpc)}); err != nil {
				return nil, err
			}
		}
	}
	if err := tagNames(op, "hostedzone", "HostedZoneTags", id); err != nil {
		return nil, err
	}
	return describedZone(op, id)
}

// tagNames makes the tags of a zone or a health check those of a property.
func tagNames(op *Op, kind, property, id string) error {
	old, tags := tagMap(op.Old[property]), tagMap(op.New[property])
	if maps.Equal(old, tags) {
		return nil
	}
	in := &route53.ChangeTagsForResourceInput{ResourceType: kind, ResourceId: id}
	for _, name := range slices.Sorted(maps.Keys(tags)) {
		in.AddTags = append(in.AddTags, route53.Tag{Key: new(name), Value: new(tags[name])})
	}
	for name := range old {
		if _, stays := tags[name]; !stays {
			in.RemoveTagKeys = append(in.RemoveTagKeys, name)
		}
	}
	_, err := Do(op, route53.ChangeTagsForResource, in)
	return err
}

// recordProperties are those of a record set, wherever it is.
var recordProperties = []string{"AliasTarget", "Failover", "GeoLocation", "HealthCheckId", "MultiValueAnswer", "Name", "Region", "SetIdentifier", "TTL", "Type", "Weight"}

// recordOf is a record set as Route 53 says it.
func recordOf(op *Op, properties map[string]any) (*route53.ResourceRecordSet, error) {
	set := &route53.ResourceRecordSet{}
	if err := Bind(op, pick(properties, recordProperties...), set); err != nil {
		return nil, err
	}
	if alias := object(properties["AliasTarget"]); set.AliasTarget != nil {
		set.AliasTarget.EvaluateTargetHealth = truth(alias["EvaluateTargetHealth"])
	}
	for _, value := range list(properties["ResourceRecords"]) {
		set.ResourceRecords = append(set.ResourceRecords, route53.ResourceRecord{Value: text(value)})
	}
	return set, nil
}

// zoneFor is the id of the zone that properties name by its id or its name.
func zoneFor(op *Op, properties map[string]any) (string, error) {
	if id := text(properties["HostedZoneId"]); id != "" {
		return strings.TrimPrefix(id, "/hostedzone/"), nil
	}
	name := strings.TrimSuffix(strings.ToLower(text(properties["HostedZoneName"])), ".") + "."
	if name == "." {
		return "", &Refusal{"Either HostedZoneId or HostedZoneName must be specified."}
	}
	out, err := Do(op, route53.ListHostedZonesByName, &route53.ListHostedZonesByNameInput{DNSName: &name})
	if err != nil {
		return "", err
	}
	found := slices.DeleteFunc(out.HostedZones, func(z route53.HostedZone) bool { return z.Name != name })
	switch len(found) {
	case 0:
		return "", &Refusal{"No hosted zones named " + name + " found"}
	case 1:
		return strings.TrimPrefix(found[0].Id, "/hostedzone/"), nil
	}
	return "", &Refusal{"Found multiple hosted zones with name " + name}
}

// changeRecords makes or deletes the record sets of properties, which name
// their zone; sets that were there already and are to go are left to go.
func changeRecords(op *Op, properties map[string]any, changes []route53.Change) error {
	zone, err := zoneFor(op, properties)
	if err != nil || len(changes) == 0 {
		return err
	}
	_, err = Do(op, route53.ChangeResourceRecordSets, &route53.ChangeResourceRecordSetsInput{HostedZoneId: zone, ChangeBatch: &route53.ChangeBatch{Changes: changes}})
	return err
}

// changesOf are changes that each do the same with a set of records.
func changesOf(op *Op, action string, sets ...map[string]any) ([]route53.Change, error) {
	var out []route53.Change
	for _, properties := range sets {
		set, err := recordOf(op, properties)
		if err != nil {
			return nil, err
		}
		out = append(out, route53.Change{Action: action, ResourceRecordSet: set})
	}
	return out, nil
}

// deleteRecords deletes record sets, of which some may be gone.
func deleteRecords(op *Op, zoned map[string]any, sets ...map[string]any) error {
	for _, properties := range sets {
		changes, err := changesOf(op, "DELETE", properties)
		if err != nil {
			return err
		}
		err = changeRecords(op, zoned, changes)
		if r := aws.Refusal(err); err != nil && !(errors.Is(err, route53.InvalidChangeBatch) && strings.Contains(r.Message, "it was not found")) {
			return err
		}
	}
	return nil
}

// putRecords makes old what is, in one batch: a set that is there already and
// is not ours is refused on creation.
func putRecords(op *Op, zoned map[string]any, old, sets []map[string]any) error {
	name := func(p map[string]any) string {
		return strings.Join([]string{strings.TrimSuffix(text(p["Name"]), "."), text(p["Type"]), text(p["SetIdentifier"])}, " ")
	}
	has := func(in []map[string]any, p map[string]any) bool {
		return slices.ContainsFunc(in, func(q map[string]any) bool { return name(q) == name(p) })
	}
	var changes []route53.Change
	for _, p := range old {
		if !has(sets, p) {
			gone, err := changesOf(op, "DELETE", p)
			if err != nil {
				return err
			}
			changes = append(changes, gone...)
		}
	}
	for _, p := range sets {
		action := "CREATE"
		if has(old, p) {
			action = "UPSERT"
		}
		made, err := changesOf(op, action, p)
		if err != nil {
			return err
		}
		changes = append(changes, made...)
	}
	return changeRecords(op, zoned, changes)
}

func recordSet() *Type {
	made := func(op *Op) *Made { return &Made{PhysicalID: strings.TrimSuffix(op.Text("Name"), ".")} }
	return &Type{
		Name: "AWS::Route53::RecordSet",
		Properties: Props(`AliasTarget Comment Failover GeoLocation HealthCheckId HostedZoneId@ HostedZoneName@ MultiValueAnswer Name!@ Region ResourceRecords
			SetIdentifier TTL Type! Weight CidrRoutingConfig- GeoProximityLocation-`),
		Create: func(op *Op) (*Made, error) {
			if err := putRecords(op, op.New, nil, []map[string]any{op.New}); err != nil {
				return nil, err // nothing is made, and what is there is not ours to delete
			}
			return made(op), nil
		},
		Update: func(op *Op) (*Made, error) {
			return made(op), putRecords(op, op.New, []map[string]any{op.Old}, []map[string]any{op.New})
		},
		Delete: func(op *Op) error { return deleteRecords(op, op.Old, op.Old) },
		Find: func(op *Op) (*Made, error) {
			there, err := hasRecord(op, op.New, op.New)
			if err != nil || !there {
				return nil, err
			}
			return made(op), nil
		},
	}
}

// hasRecord reports whether a zone has a record set.
func hasRecord(op *Op, zoned, properties map[string]any) (bool, error) {
	zone, err := zoneFor(op, zoned)
	if err != nil {
		return false, err
	}
	set, err := recordOf(op, properties)
	if err != nil {
		return false, err
	}
	out, err := Do(op, route53.ListResourceRecordSets, &route53.ListResourceRecordSetsInput{
		HostedZoneId: zone, StartRecordName: &set.Name, StartRecordType: &set.Type, StartRecordIdentifier: set.SetIdentifier, MaxItems: new("1"),
	})
	if err != nil || len(out.ResourceRecordSets) == 0 {
		return false, err
	}
	first := out.ResourceRecordSets[0]
	return strings.EqualFold(strings.TrimSuffix(first.Name, "."), strings.TrimSuffix(set.Name, ".")) && first.Type == set.Type &&
		aws.Value(first.SetIdentifier) == aws.Value(set.SetIdentifier), nil
}

func recordSetGroup() *Type {
	sets := func(properties map[string]any) []map[string]any {
		var out []map[string]any
		for _, element := range list(properties["RecordSets"]) {
			out = append(out, object(element))
		}
		return out
	}
	made := func(op *Op) *Made {
		return &Made{PhysicalID: op.Stack.Name + "-" + op.LogicalID + "-" + op.Token[:min(len(op.Token), randomLetters)]}
	}
	return &Type{
		Name:       "AWS::Route53::RecordSetGroup",
		Properties: Props("Comment HostedZoneId@ HostedZoneName@ RecordSets"),
		Create: func(op *Op) (*Made, error) {
			if err := putRecords(op, op.New, nil, sets(op.New)); err != nil {
				return nil, err // nothing is made, and what is there is not ours to delete
			}
			return made(op), nil
		},
		Update: func(op *Op) (*Made, error) {
			return &Made{PhysicalID: op.PhysicalID}, putRecords(op, op.New, sets(op.Old), sets(op.New))
		},
		Delete: func(op *Op) error { return deleteRecords(op, op.Old, sets(op.Old)...) },
		Find: func(op *Op) (*Made, error) {
			for _, set := range sets(op.New) { // they were made together
				there, err := hasRecord(op, op.New, set)
				if err != nil || !there {
					return nil, err
				}
			}
			return made(op), nil
		},
	}
}

func healthCheck() *Type {
	made := func(id string) *Made {
		return &Made{PhysicalID: id, Attributes: map[string]any{"HealthCheckId": id}}
	}
	return &Type{
		Name:       "AWS::Route53::HealthCheck",
		Properties: Props("HealthCheckConfig! HealthCheckTags"),
		Attributes: []string{"HealthCheckId"},
		Note:       "The check is kept, and nothing is checked.",
		Create: func(op *Op) (*Made, error) {
			in := &route53.CreateHealthCheckInput{CallerReference: op.Token, HealthCheckConfig: &route53.HealthCheckConfig{}}
			if err := Bind(op, object(op.New["HealthCheckConfig"]), in.HealthCheckConfig); err != nil {
				return nil, err
			}
			out, err := Do(op, route53.CreateHealthCheck, in)
			if err != nil {
				return nil, err
			}
			id := out.HealthCheck.Id
			return made(id), tagNames(op, "healthcheck", "HealthCheckTags", id)
		},
		Update: func(op *Op) (*Made, error) {
			if op.Changed("HealthCheckConfig") {
				in := &route53.UpdateHealthCheckInput{}
				config := maps.Clone(object(op.New["HealthCheckConfig"]))
				for _, fixed := range []string{"Type", "RequestInterval", "MeasureLatency", "RoutingControlArn"} {
					delete(config, fixed)
				}
				if err := Bind(op, config, in); err != nil {
					return nil, err
				}
				in.HealthCheckId = op.PhysicalID
				if _, err := Do(op, route53.UpdateHealthCheck, in); err != nil {
					return nil, err
				}
			}
			return made(op.PhysicalID), tagNames(op, "healthcheck", "HealthCheckTags", op.PhysicalID)
		},
		Delete: func(op *Op) error {
			_, err := Do(op, route53.DeleteHealthCheck, &route53.DeleteHealthCheckInput{HealthCheckId: op.PhysicalID})
			return err
		},
	}
}

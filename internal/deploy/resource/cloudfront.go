package resource

import (
	"maps"
	"reflect"
	"strconv"
	"strings"

	"github.com/aloft-cloud/aloft/internal/api/cloudfront"
)

// CloudFront has the types of CloudFront.
func CloudFront() []*Type {
	return []*Type{distribution(), cachePolicy(), originRequestPolicy(), responseHeadersPolicy(), originAccessControl(), originAccessIdentity(), edgeFunction(), keyValueStore(), publicKey(), keyGroup(), realtimeLog()}
}

// counted is a value of a template as CloudFront's API has it: lists are
// objects of Quantity and Items there. t is the type it is for.
func counted(v any, t reflect.Type) any {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	switch v := v.(type) {
	case []any:
		if t.Kind() == reflect.Struct {
			items, ok := t.FieldByName("Items")
			if !ok {
				return v
			}
			return map[string]any{"Quantity": strconv.Itoa(len(v)), "Items": counted(v, items.Type)}
		}
		if t.Kind() != reflect.Slice {
			return v
		}
		out := make([]any, len(v))
		for i := range v {
			out[i] = counted(v[i], t.Elem())
		}
		return out
	case map[string]any:
		if t.Kind() != reflect.Struct {
			return v
		}
		out := make(map[string]any, len(v))
		for name, value := range v {
			f, ok := t.FieldByNameFunc(func(is string) bool { return strings.EqualFold(is, name) })
			if ok {
				value = counted(value, f.Type)
			}
			out[name] = value
		}
		if _, has := out["Quantity"]; !has && v["Items"] != nil {
			if _, wants := t.FieldByName("Quantity"); wants {
				out["Quantity"] = strconv.Itoa(len(list(v["Items"])))
			}
		}
		return out
	}
	return v
}

// bindConfig makes a configuration of CloudFront's of a property.
func bindConfig[C any](op *Op, v any) (*C, error) {
	c := new(C)
	o, _ := counted(v, reflect.TypeFor[C]()).(map[string]any)
	return c, Bind(op, o, c)
}

// rename moves members of an object that templates call otherwise than the API.
func rename(o map[string]any, names ...string) map[string]any {
	out := maps.Clone(o)
	for i := 0; i < len(names); i += 2 {
		if v, ok := out[names[i]]; ok {
			out[names[i+1]] = v
			delete(out, names[i])
		}
	}
	return out
}

// bindDistribution makes the configuration of a distribution.
func bindDistribution(op *Op, reference string) (*cloudfront.DistributionConfig, error) {
	o := rename(object(op.New["DistributionConfig"]), "IPV6Enabled", "IsIPV6Enabled", "CNAMEs", "Aliases")
	o["CallerReference"] = reference
	if o["Comment"] == nil {
		o["Comment"] = ""
	}
	o["DefaultCacheBehavior"] = bindable(object(o["DefaultCacheBehavior"]))
	o["CacheBehaviors"] = eachObject(o["CacheBehaviors"], bindable)
	o["Origins"] = eachObject(o["Origins"], bindableOrigin)
	o["OriginGroups"] = itemsOf(o["OriginGroups"])
	if v := object(o["Logging"]); v != nil {
		logging := map[string]any{"Enabled": text(v["Bucket"]) != "", "IncludeCookies": false, "Prefix": ""}
		maps.Copy(logging, v)
		o["Logging"] = logging
	}
	if geo := object(object(o["Restrictions"])["GeoRestriction"]); geo != nil {
		geo = rename(geo, "Locations", "Items")
		geo["Quantity"] = strconv.Itoa(len(list(geo["Items"])))
		o["Restrictions"] = map[string]any{"GeoRestriction": geo}
	}
	for name, v := range o {
		if v == nil {
			delete(o, name)
		}
	}
	return bindConfig[cloudfront.DistributionConfig](op, o)
}

// eachObject has f change each of a list of objects.
func eachObject(v any, f func(map[string]any) map[string]any) any {
	if v == nil {
		return nil
	}
	out := []any{}
	for _, element := range list(v) {
		out = append(out, f(object(element)))
	}
	return out
}

// itemsOf is a list that templates write as the API does.
func itemsOf(v any) any {
	if o := object(v); o != nil {
		return o["Items"]
	}
	return v
}

// bindable is a behaviour as the API has it.
func bindable(b map[string]any) map[string]any {
	b = maps.Clone(b)
	for _, name := range []string{"TrustedSigners", "TrustedKeyGroups"} {
		if some := list(b[name]); len(some) > 0 {
			b[name] = map[string]any{"Enabled": true, "Quantity": strconv.Itoa(len(some)), "Items": some}
		} else {
			delete(b, name)
		}
	}
	if methods := list(b["AllowedMethods"]); methods != nil {
		allowed := map[string]any{"Quantity": strconv.Itoa(len(methods)), "Items": methods}
		if cached := list(b["CachedMethods"]); cached != nil {
			allowed["CachedMethods"] = map[string]any{"Quantity": strconv.Itoa(len(cached)), "Items": cached}
		}
		b["AllowedMethods"] = allowed
	}
	delete(b, "CachedMethods")
	if b["CachePolicyId"] != nil {
		delete(b, "ForwardedValues") // which templates may have left
	}
	if f := object(b["ForwardedValues"]); f != nil && f["Cookies"] == nil {
		f = maps.Clone(f)
		f["Cookies"] = map[string]any{"Forward": "none"}
		b["ForwardedValues"] = f
	}
	return b
}

// bindableOrigin is an origin as the API has it.
func bindableOrigin(o map[string]any) map[string]any {
	o = rename(o, "OriginCustomHeaders", "CustomHeaders")
	if s3 := o["S3OriginConfig"]; s3 != nil {
		config := map[string]any{"OriginAccessIdentity": ""}
		maps.Copy(config, object(s3))
		o["S3OriginConfig"] = config
	}
	if c := object(o["CustomOriginConfig"]); c != nil {
		config := map[string]any{"HTTPPort": "80", "HTTPSPort": "443"}
		maps.Copy(config, c)
		o["CustomOriginConfig"] = config
	}
	return o
}

func distribution() *Type {
	made := func(d *cloudfront.Distribution) *Made {
		return &Made{PhysicalID: d.Id, Attributes: map[string]any{"Id": d.Id, "DomainName": d.DomainName}}
	}
	return &Type{
		Name:       "AWS::CloudFront::Distribution",
		Properties: Props("DistributionConfig! Tags"),
		Attributes: []string{"Id", "DomainName"},
		Note:       "It is here, and nowhere else.",
		Create: func(op *Op) (*Made, error) {
			c, err := bindDistribution(op, op.Token)
			if err != nil {
				return nil, err
			}
			in := &cloudfront.CreateDistributionWithTagsInput{DistributionConfigWithTags: &cloudfront.DistributionConfigWithTags{DistributionConfig: c, Tags: distributionTags(tagMap(op.New["Tags"]))}}
			out, err := Do(op, cloudfront.CreateDistributionWithTags, in)
			if err != nil {
				return nil, err
			}
			return made(out.Distribution), nil
		},
		Update: func(op *Op) (*Made, error) {
			was, err := Do(op, cloudfront.GetDistribution, &cloudfront.GetDistributionInput{Id: op.PhysicalID})
			if err != nil {
				return nil, err
			}
			c, err := bindDistribution(op, was.Distribution.DistributionConfig.CallerReference)
			if err != nil {
				return nil, err
			}
			out, err := Do(op, cloudfront.UpdateDistribution, &cloudfront.UpdateDistributionInput{Id: op.PhysicalID, IfMatch: was.ETag, DistributionConfig: c})
			if err != nil {
				return nil, err
			}
			return made(out.Distribution), retagDistribution(op, was.Distribution.ARN)
		},
		Delete: func(op *Op) error {
			was, err := Do(op, cloudfront.GetDistributionConfig, &cloudfront.GetDistributionConfigInput{Id: op.PhysicalID})
			if err != nil {
				return err
			}
			version := was.ETag
			if was.DistributionConfig.Enabled {
				was.DistributionConfig.Enabled = false
				out, err := Do(op, cloudfront.UpdateDistribution, &cloudfront.UpdateDistributionInput{Id: op.PhysicalID, IfMatch: version, DistributionConfig: was.DistributionConfig})
				if err != nil {
					return err
				}
				version = out.ETag
			}
			_, err = Do(op, cloudfront.DeleteDistribution, &cloudfront.DeleteDistributionInput{Id: op.PhysicalID, IfMatch: version})
			return err
		},
		Find: func(op *Op) (*Made, error) {
			d, err := findDistribution(op)
			if d == nil || err != nil {
				return nil, err
			}
			return made(d), nil
		},
	}
}

// findDistribution finds the distribution that op made, by its reference, or
// nothing.
func findDistribution(op *Op) (*cloudfront.Distribution, error) {
	in := &cloudfront.ListDistributionsInput{}
	for {
		out, err := Do(op, cloudfront.ListDistributions, in)
		if err != nil {
			return nil, err
		}
		for _, d := range out.DistributionList.Items {
			got, err := Do(op, cloudfront.GetDistribution, &cloudfront.GetDistributionInput{Id: d.Id})
			if err != nil {
				return nil, err
			}
			if got.Distribution.DistributionConfig.CallerReference == op.Token {
				return got.Distribution, nil
			}
		}
		if in.Marker = out.DistributionList.NextMarker; in.Marker == nil {
			return nil, nil
		}
	}
}

func distributionTags(tags map[string]string) *cloudfront.Tags {
	out := &cloudfront.Tags{Items: []cloudfront.Tag{}}
	for name, value := range tags {
		out.Items = append(out.Items, cloudfront.Tag{Key: name, Value: new(value)})
	}
	return out
}

func retagDistribution(op *Op, arn string) error {
	return retag(op, tagMap, func(tags map[string]string) error {
		_, err := Do(op, cloudfront.TagResource, &cloudfront.TagResourceInput{Resource: arn, Tags: distributionTags(tags)})
		return err
	}, func(names []string) error {
		_, err := Do(op, cloudfront.UntagResource, &cloudfront.UntagResourceInput{Resource: arn, TagKeys: &cloudfront.TagKeys{Items: names}})
		return err
	})
}

package resource

import (
	"github.com/aloft-cloud/aloft/internal/api/cloudfront"
)

// A configured says how things of CloudFront's are made, changed and deleted
// that are one configuration C, each change naming the version that it is of.
type configured[C any] struct {
	create func(op *Op, c *C) (id string, err error)
	update func(op *Op, c *C, version *string) error
	get    func(op *Op) (version *string, err error)
	delete func(op *Op, version *string) error

	// list calls is with each one that there is on a page after marker, until it
	// says that it is that, and returns where the next page begins.
	list func(op *Op, marker *string, is func(id, name string) bool) (next *string, err error)
}

func madeID(id string) *Made {
	return &Made{PhysicalID: id, Attributes: map[string]any{"Id": id}}
}

// typed is the type of that name, whose property is the configuration.
func (v configured[C]) typed(name, property string) *Type {
	config := func(op *Op) (*C, error) { return bindConfig[C](op, op.New[property]) }
	return &Type{
		Name:       name,
		Properties: Props(property + "!"),
		Attributes: []string{"Id"},
		Create: func(op *Op) (*Made, error) {
			c, err := config(op)
			if err != nil {
				return nil, err
			}
			id, err := v.create(op, c)
			if err != nil {
				return nil, err
			}
			return madeID(id), nil
		},
		Update: func(op *Op) (*Made, error) {
			c, err := config(op)
			if err != nil {
				return nil, err
			}
			version, err := v.get(op)
			if err != nil {
				return nil, err
			}
			return madeID(op.PhysicalID), v.update(op, c, version)
		},
		Delete: func(op *Op) error {
			version, err := v.get(op)
			if err != nil {
				return err
			}
			return v.delete(op, version)
		},
		Find: func(op *Op) (*Made, error) { return v.find(op, text(object(op.New[property])["Name"])) },
	}
}

// find finds what a Create made that was cut short, by its name.
func (v configured[C]) find(op *Op, name string) (made *Made, err error) {
	var marker *string
	for {
		marker, err = v.list(op, marker, func(id, is string) bool {
			if is == name && id != op.Except {
				made = madeID(id)
			}
			return made != nil
		})
		if err != nil || made != nil || marker == nil {
			return made, err
		}
	}
}

// etag is the version that an answer tells, if there is one.
func etag[Out any](out *Out, err error, version func() *string) (*string, error) {
	if err != nil {
		return nil, err
	}
	return version(), nil
}

func cachePolicy() *Type {
	return configured[cloudfront.CachePolicyConfig]{
		create: func(op *Op, c *cloudfront.CachePolicyConfig) (string, error) {
			out, err := Do(op, cloudfront.CreateCachePolicy, &cloudfront.CreateCachePolicyInput{CachePolicyConfig: c})
			if err != nil {
				return "", err
			}
			return out.CachePolicy.Id, nil
		},
		update: func(op *Op, c *cloudfront.CachePolicyConfig, version *string) error {
			_, err := Do(op, cloudfront.UpdateCachePolicy, &cloudfront.UpdateCachePolicyInput{Id: op.PhysicalID, IfMatch: version, CachePolicyConfig: c})
			return err
		},
		get: func(op *Op) (*string, error) {
			out, err := Do(op, cloudfront.GetCachePolicyConfig, &cloudfront.GetCachePolicyConfigInput{Id: op.PhysicalID})
			return etag(out, err, func() *string { return out.ETag })
		},
		delete: func(op *Op, version *string) error {
			_, err := Do(op, cloudfront.DeleteCachePolicy, &cloudfront.DeleteCachePolicyInput{Id: op.PhysicalID, IfMatch: version})
			return err
		},
		list: func(op *Op, marker *string, is func(id, name string) bool) (*string, error) {
			out, err := Do(op, cloudfront.ListCachePolicies, &cloudfront.ListCachePoliciesInput{Type: new("custom"), Marker: marker})
			if err != nil {
				return nil, err
			}
			for _, p := range out.CachePolicyList.Items {
				if is(p.CachePolicy.Id, p.CachePolicy.CachePolicyConfig.Name) {
					return nil, nil
				}
			}
			return out.CachePolicyList.NextMarker, nil
		},
	}.typed("AWS::CloudFront::CachePolicy", "CachePolicyConfig")
}

func originRequestPolicy() *Type {
	return configured[cloudfront.OriginRequestPolicyConfig]{
		create: func(op *Op, c *cloudfront.OriginRequestPolicyConfig) (string, error) {
			out, err := Do(op, cloudfront.CreateOriginRequestPolicy, &cloudfront.CreateOriginRequestPolicyInput{OriginRequestPolicyConfig: c})
			if err != nil {
				return "", err
			}
			return out.OriginRequestPolicy.Id, nil
		},
		update: func(op *Op, c *cloudfront.OriginRequestPolicyConfig, version *string) error {
			_, err := Do(op, cloudfront.UpdateOriginRequestPolicy, &cloudfront.UpdateOriginRequestPolicyInput{Id: op.PhysicalID, IfMatch: version, OriginRequestPolicyConfig: c})
			return err
		},
		get: func(op *Op) (*string, error) {
			out, err := Do(op, cloudfront.GetOriginRequestPolicyConfig, &cloudfront.GetOriginRequestPolicyConfigInput{Id: op.PhysicalID})
			return etag(out, err, func() *string { return out.ETag })
		},
		delete: func(op *Op, version *string) error {
			_, err := Do(op, cloudfront.DeleteOriginRequestPolicy, &cloudfront.DeleteOriginRequestPolicyInput{Id: op.PhysicalID, IfMatch: version})
			return err
		},
		list: func(op *Op, marker *string, is func(id, name string) bool) (*string, error) {
			out, err := Do(op, cloudfront.ListOriginRequestPolicies, &cloudfront.ListOriginRequestPoliciesInput{Type: new("custom"), Marker: marker})
			if err != nil {
				return nil, err
			}
			for _, p := range out.OriginRequestPolicyList.Items {
				if is(p.OriginRequestPolicy.Id, p.OriginRequestPolicy.OriginRequestPolicyConfig.Name) {
					return nil, nil
				}
			}
			return out.OriginRequestPolicyList.NextMarker, nil
		},
	}.typed("AWS::CloudFront::OriginRequestPolicy", "OriginRequestPolicyConfig")
}

func responseHeadersPolicy() *Type {
	return configured[cloudfront.ResponseHeadersPolicyConfig]{
		create: func(op *Op, c *cloudfront.ResponseHeadersPolicyConfig) (string, error) {
			out, err := Do(op, cloudfront.CreateResponseHeadersPolicy, &cloudfront.CreateResponseHeadersPolicyInput{ResponseHeadersPolicyConfig: c})
			if err != nil {
				return "", err
			}
			return out.ResponseHeadersPolicy.Id, nil
		},
		update: func(op *Op, c *cloudfront.ResponseHeadersPolicyConfig, version *string) error {
			_, err := Do(op, cloudfront.UpdateResponseHeadersPolicy, &cloudfront.UpdateResponseHeadersPolicyInput{Id: op.PhysicalID, IfMatch: version, ResponseHeadersPolicyConfig: c})
			return err
		},
		get: func(op *Op) (*string, error) {
			out, err := Do(op, cloudfront.GetResponseHeadersPolicyConfig, &cloudfront.GetResponseHeadersPolicyConfigInput{Id: op.PhysicalID})
			return etag(out, err, func() *string { return out.ETag })
		},
		delete: func(op *Op, version *string) error {
			_, err := Do(op, cloudfront.DeleteResponseHeadersPolicy, &cloudfront.DeleteResponseHeadersPolicyInput{Id: op.PhysicalID, IfMatch: version})
			return err
		},
		list: func(op *Op, marker *string, is func(id, name string) bool) (*string, error) {
			out, err := Do(op, cloudfront.ListResponseHeadersPolicies, &cloudfront.ListResponseHeadersPoliciesInput{Type: new("custom"), Marker: marker})
			if err != nil {
				return nil, err
			}
			for _, p := range out.ResponseHeadersPolicyList.Items {
				if is(p.ResponseHeadersPolicy.Id, p.ResponseHeadersPolicy.ResponseHeadersPolicyConfig.Name) {
					return nil, nil
				}
			}
			return out.ResponseHeadersPolicyList.NextMarker, nil
		},
	}.typed("AWS::CloudFront::ResponseHeadersPolicy", "ResponseHeadersPolicyConfig")
}

func originAccessControl() *Type {
	return configured[cloudfront.OriginAccessControlConfig]{
		create: func(op *Op, c *cloudfront.OriginAccessControlConfig) (string, error) {
			out, err := Do(op, cloudfront.CreateOriginAccessControl, &cloudfront.CreateOriginAccessControlInput{OriginAccessControlConfig: c})
			if err != nil {
				return "", err
			}
			return out.OriginAccessControl.Id, nil
		},
		update: func(op *Op, c *cloudfront.OriginAccessControlConfig, version *string) error {
			_, err := Do(op, cloudfront.UpdateOriginAccessControl, &cloudfront.UpdateOriginAccessControlInput{Id: op.PhysicalID, IfMatch: version, OriginAccessControlConfig: c})
			return err
		},
		get: func(op *Op) (*string, error) {
			out, err := Do(op, cloudfront.GetOriginAccessControlConfig, &cloudfront.GetOriginAccessControlConfigInput{Id: op.PhysicalID})
			return etag(out, err, func() *string { return out.ETag })
		},
		delete: func(op *Op, version *string) error {
			_, err := Do(op, cloudfront.DeleteOriginAccessControl, &cloudfront.DeleteOriginAccessControlInput{Id: op.PhysicalID, IfMatch: version})
			return err
		},
		list: func(op *Op, marker *string, is func(id, name string) bool) (*string, error) {
			out, err := Do(op, cloudfront.ListOriginAccessControls, &cloudfront.ListOriginAccessControlsInput{Marker: marker})
			if err != nil {
				return nil, err
			}
			for _, c := range out.OriginAccessControlList.Items {
				if is(c.Id, c.Name) {
					return nil, nil
				}
			}
			return out.OriginAccessControlList.NextMarker, nil
		},
	}.typed("AWS::CloudFront::OriginAccessControl", "OriginAccessControlConfig")
}

// originAccessIdentity is of identities, which have no names: their references
// tell them apart.
func originAccessIdentity() *Type {
	made := func(i *cloudfront.CloudFrontOriginAccessIdentity) *Made {
		return &Made{PhysicalID: i.Id, Attributes: map[string]any{"Id": i.Id, "S3CanonicalUserId": i.S3CanonicalUserId}}
	}
	comment := func(op *Op) string { return text(object(op.New["CloudFrontOriginAccessIdentityConfig"])["Comment"]) }
	get := func(op *Op, id string) (*cloudfront.GetCloudFrontOriginAccessIdentityOutput, error) {
		return Do(op, cloudfront.GetCloudFrontOriginAccessIdentity, &cloudfront.GetCloudFrontOriginAccessIdentityInput{Id: id})
	}
	return &Type{
		Name:       "AWS::CloudFront::CloudFrontOriginAccessIdentity",
		Properties: Props("CloudFrontOriginAccessIdentityConfig!"),
		Attributes: []string{"Id", "S3CanonicalUserId"},
		Create: func(op *Op) (*Made, error) {
			c := &cloudfront.CloudFrontOriginAccessIdentityConfig{CallerReference: op.Token, Comment: comment(op)}
			out, err := Do(op, cloudfront.CreateCloudFrontOriginAccessIdentity, &cloudfront.CreateCloudFrontOriginAccessIdentityInput{CloudFrontOriginAccessIdentityConfig: c})
			if err != nil {
				return nil, err
			}
			return made(out.CloudFrontOriginAccessIdentity), nil
		},
		Update: func(op *Op) (*Made, error) {
			was, err := get(op, op.PhysicalID)
			if err != nil {
				return nil, err
			}
			c := was.CloudFrontOriginAccessIdentity.CloudFrontOriginAccessIdentityConfig
			c.Comment = comment(op)
			_, err = Do(op, cloudfront.UpdateCloudFrontOriginAccessIdentity, &cloudfront.UpdateCloudFrontOriginAccessIdentityInput{Id: op.PhysicalID, IfMatch: was.ETag, CloudFrontOriginAccessIdentityConfig: c})
			return made(was.CloudFrontOriginAccessIdentity), err
		},
		Delete: func(op *Op) error {
			was, err := get(op, op.PhysicalID)
			if err != nil {
				return err
			}
			_, err = Do(op, cloudfront.DeleteCloudFrontOriginAccessIdentity, &cloudfront.DeleteCloudFrontOriginAccessIdentityInput{Id: op.PhysicalID, IfMatch: was.ETag})
			return err
		},
		Find: func(op *Op) (*Made, error) {
			in := &cloudfront.ListCloudFrontOriginAccessIdentitiesInput{}
			for {
				out, err := Do(op, cloudfront.ListCloudFrontOriginAccessIdentities, in)
				if err != nil {
					return nil, err
				}
				for _, i := range out.CloudFrontOriginAccessIdentityList.Items {
					is, err := get(op, i.Id)
					if err != nil {
						return nil, err
					}
					if is.CloudFrontOriginAccessIdentity.CloudFrontOriginAccessIdentityConfig.CallerReference == op.Token {
						return made(is.CloudFrontOriginAccessIdentity), nil
					}
				}
				if in.Marker = out.CloudFrontOriginAccessIdentityList.NextMarker; in.Marker == nil {
					return nil, nil
				}
			}
		},
	}
}

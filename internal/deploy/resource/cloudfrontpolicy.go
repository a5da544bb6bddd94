package resource

import "github.com/aloft-cloud/aloft/internal/api/cloudfront"

// A versioned says how a thing of CloudFront's is made, changed and deleted,
// each change naming the version that it is of.
type versioned struct {
	create func(op *Op) (*Made, error)
	update func(op *Op, version *string) (*Made, error)
	get    func(op *Op) (version *string, err error)
	delete func(op *Op, version *string) error
}

// typed is a type of things that are one configuration.
func (v versioned) typed(name, property string, attributes ...string) *Type {
	return &Type{
		Name:       name,
		Properties: Props(property + "!"),
		Attributes: attributes,
		Create:     v.create,
		Update: func(op *Op) (*Made, error) {
			version, err := v.get(op)
			if err != nil {
				return nil, err
			}
			return v.update(op, version)
		},
		Delete: func(op *Op) error {
			version, err := v.get(op)
			if err != nil {
				return err
			}
			return v.delete(op, version)
		},
	}
}

func madeID(id string) *Made {
	return &Made{PhysicalID: id, Attributes: map[string]any{"Id": id}}
}

func cachePolicy() *Type {
	config := func(op *Op) (*cloudfront.CachePolicyConfig, error) {
		return bindConfig[cloudfront.CachePolicyConfig](op, op.New["CachePolicyConfig"])
	}
	return versioned{
		create: func(op *Op) (*Made, error) {
			c, err := config(op)
			if err != nil {
				return nil, err
			}
			out, err := Do(op, cloudfront.CreateCachePolicy, &cloudfront.CreateCachePolicyInput{CachePolicyConfig: c})
			if err != nil {
				return nil, err
			}
			return madeID(out.CachePolicy.Id), nil
		},
		update: func(op *Op, version *string) (*Made, error) {
			c, err := config(op)
			if err != nil {
				return nil, err
			}
			_, err = Do(op, cloudfront.UpdateCachePolicy, &cloudfront.UpdateCachePolicyInput{Id: op.PhysicalID, IfMatch: version, CachePolicyConfig: c})
			return madeID(op.PhysicalID), err
		},
		get: func(op *Op) (*string, error) {
			out, err := Do(op, cloudfront.GetCachePolicyConfig, &cloudfront.GetCachePolicyConfigInput{Id: op.PhysicalID})
			return etag(out, err, func() *string { return out.ETag })
		},
		delete: func(op *Op, version *string) error {
			_, err := Do(op, cloudfront.DeleteCachePolicy, &cloudfront.DeleteCachePolicyInput{Id: op.PhysicalID, IfMatch: version})
			return err
		},
	}.typed("AWS::CloudFront::CachePolicy", "CachePolicyConfig", "Id")
}

// etag is the version that an answer tells, if there is one.
func etag[Out any](out *Out, err error, version func() *string) (*string, error) {
	if err != nil || out == nil {
		return nil, err
	}
	return version(), nil
}

func originRequestPolicy() *Type {
	config := func(op *Op) (*cloudfront.OriginRequestPolicyConfig, error) {
		return bindConfig[cloudfront.OriginRequestPolicyConfig](op, op.New["OriginRequestPolicyConfig"])
	}
	return versioned{
		create: func(op *Op) (*Made, error) {
			c, err := config(op)
			if err != nil {
				return nil, err
			}
			out, err := Do(op, cloudfront.CreateOriginRequestPolicy, &cloudfront.CreateOriginRequestPolicyInput{OriginRequestPolicyConfig: c})
			if err != nil {
				return nil, err
			}
			return madeID(out.OriginRequestPolicy.Id), nil
		},
		update: func(op *Op, version *string) (*Made, error) {
			c, err := config(op)
			if err != nil {
				return nil, err
			}
			_, err = Do(op, cloudfront.UpdateOriginRequestPolicy, &cloudfront.UpdateOriginRequestPolicyInput{Id: op.PhysicalID, IfMatch: version, OriginRequestPolicyConfig: c})
			return madeID(op.PhysicalID), err
		},
		get: func(op *Op) (*string, error) {
			out, err := Do(op, cloudfront.GetOriginRequestPolicyConfig, &cloudfront.GetOriginRequestPolicyConfigInput{Id: op.PhysicalID})
			return etag(out, err, func() *string { return out.ETag })
		},
		delete: func(op *Op, version *string) error {
			_, err := Do(op, cloudfront.DeleteOriginRequestPolicy, &cloudfront.DeleteOriginRequestPolicyInput{Id: op.PhysicalID, IfMatch: version})
			return err
		},
	}.typed("AWS::CloudFront::OriginRequestPolicy", "OriginRequestPolicyConfig", "Id")
}

func responseHeadersPolicy() *Type {
	config := func(op *Op) (*cloudfront.ResponseHeadersPolicyConfig, error) {
		return bindConfig[cloudfront.ResponseHeadersPolicyConfig](op, op.New["ResponseHeadersPolicyConfig"])
	}
	return versioned{
		create: func(op *Op) (*Made, error) {
			c, err := config(op)
			if err != nil {
				return nil, err
			}
			out, err := Do(op, cloudfront.CreateResponseHeadersPolicy, &cloudfront.CreateResponseHeadersPolicyInput{ResponseHeadersPolicyConfig: c})
			if err != nil {
				return nil, err
			}
			return madeID(out.ResponseHeadersPolicy.Id), nil
		},
		update: func(op *Op, version *string) (*Made, error) {
			c, err := config(op)
			if err != nil {
				return nil, err
			}
			_, err = Do(op, cloudfront.UpdateResponseHeadersPolicy, &cloudfront.UpdateResponseHeadersPolicyInput{Id: op.PhysicalID, IfMatch: version, ResponseHeadersPolicyConfig: c})
			return madeID(op.PhysicalID), err
		},
		get: func(op *Op) (*string, error) {
			out, err := Do(op, cloudfront.GetResponseHeadersPolicyConfig, &cloudfront.GetResponseHeadersPolicyConfigInput{Id: op.PhysicalID})
			return etag(out, err, func() *string { return out.ETag })
		},
		delete: func(op *Op, version *string) error {
			_, err := Do(op, cloudfront.DeleteResponseHeadersPolicy, &cloudfront.DeleteResponseHeadersPolicyInput{Id: op.PhysicalID, IfMatch: version})
			return err
		},
	}.typed("AWS::CloudFront::ResponseHeadersPolicy", "ResponseHeadersPolicyConfig", "Id")
}

func originAccessControl() *Type {
	config := func(op *Op) (*cloudfront.OriginAccessControlConfig, error) {
		return bindConfig[cloudfront.OriginAccessControlConfig](op, op.New["OriginAccessControlConfig"])
	}
	return versioned{
		create: func(op *Op) (*Made, error) {
			c, err := config(op)
			if err != nil {
				return nil, err
			}
			out, err := Do(op, cloudfront.CreateOriginAccessControl, &cloudfront.CreateOriginAccessControlInput{OriginAccessControlConfig: c})
			if err != nil {
				return nil, err
			}
			return madeID(out.OriginAccessControl.Id), nil
		},
		update: func(op *Op, version *string) (*Made, error) {
			c, err := config(op)
			if err != nil {
				return nil, err
			}
			_, err = Do(op, cloudfront.UpdateOriginAccessControl, &cloudfront.UpdateOriginAccessControlInput{Id: op.PhysicalID, IfMatch: version, OriginAccessControlConfig: c})
			return madeID(op.PhysicalID), err
		},
		get: func(op *Op) (*string, error) {
			out, err := Do(op, cloudfront.GetOriginAccessControlConfig, &cloudfront.GetOriginAccessControlConfigInput{Id: op.PhysicalID})
			return etag(out, err, func() *string { return out.ETag })
		},
		delete: func(op *Op, version *string) error {
			_, err := Do(op, cloudfront.DeleteOriginAccessControl, &cloudfront.DeleteOriginAccessControlInput{Id: op.PhysicalID, IfMatch: version})
			return err
		},
	}.typed("AWS::CloudFront::OriginAccessControl", "OriginAccessControlConfig", "Id")
}

func originAccessIdentity() *Type {
	made := func(i *cloudfront.CloudFrontOriginAccessIdentity) *Made {
		return &Made{PhysicalID: i.Id, Attributes: map[string]any{"Id": i.Id, "S3CanonicalUserId": i.S3CanonicalUserId}}
	}
	config := func(op *Op, reference string) *cloudfront.CloudFrontOriginAccessIdentityConfig {
		return &cloudfront.CloudFrontOriginAccessIdentityConfig{CallerReference: reference, Comment: text(object(op.New["CloudFrontOriginAccessIdentityConfig"])["Comment"])}
	}
	return versioned{
		create: func(op *Op) (*Made, error) {
			out, err := Do(op, cloudfront.CreateCloudFrontOriginAccessIdentity, &cloudfront.CreateCloudFrontOriginAccessIdentityInput{CloudFrontOriginAccessIdentityConfig: config(op, op.Token)})
			if err != nil {
				return nil, err
			}
			return made(out.CloudFrontOriginAccessIdentity), nil
		},
		update: func(op *Op, version *string) (*Made, error) {
			out, err := Do(op, cloudfront.UpdateCloudFrontOriginAccessIdentity, &cloudfront.UpdateCloudFrontOriginAccessIdentityInput{Id: op.PhysicalID, IfMatch: version, CloudFrontOriginAccessIdentityConfig: config(op, op.Token)})
			if err != nil {
				return nil, err
			}
			return made(out.CloudFrontOriginAccessIdentity), nil
		},
		get: func(op *Op) (*string, error) {
			out, err := Do(op, cloudfront.GetCloudFrontOriginAccessIdentityConfig, &cloudfront.GetCloudFrontOriginAccessIdentityConfigInput{Id: op.PhysicalID})
			return etag(out, err, func() *string { return out.ETag })
		},
		delete: func(op *Op, version *string) error {
			_, err := Do(op, cloudfront.DeleteCloudFrontOriginAccessIdentity, &cloudfront.DeleteCloudFrontOriginAccessIdentityInput{Id: op.PhysicalID, IfMatch: version})
			return err
		},
	}.typed("AWS::CloudFront::CloudFrontOriginAccessIdentity", "CloudFrontOriginAccessIdentityConfig", "Id", "S3CanonicalUserId")
}

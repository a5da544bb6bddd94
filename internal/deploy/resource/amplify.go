package resource

import (
	"cmp"
	"encoding/base64"
	"maps"
	"strings"

	api "github.com/aloft-cloud/aloft/internal/api/amplify"
	"github.com/aloft-cloud/aloft/internal/aws"
)

// notBuilt is said of apps and branches.
const notBuilt = "Its repository is not built: build the app where you are, and deploy the files with CreateDeployment and StartDeployment."

// Amplify has the types of Amplify Hosting.
func Amplify() []*Type { return []*Type{amplifyApp(), amplifyBranch(), amplifyDomain()} }

func amplifyApp() *Type {
	return &Type{
		Name: "AWS::Amplify::App",
		Properties: Props(`AccessToken AutoBranchCreationConfig BasicAuthConfig BuildSpec CacheConfig ComputeRoleArn CustomHeaders CustomRules Description
			EnableBranchAutoDeletion EnvironmentVariables IAMServiceRole JobConfig Name! OauthToken Platform Repository Tags`),
		Attributes: []string{"AppArn", "AppId", "AppName", "DefaultDomain"},
		Note:       notBuilt,
		Create: func(op *Op) (*Made, error) {
			in := &api.CreateAppInput{Tags: origin(op)}
			if err := Bind(op, appProperties(op.New), in); err != nil {
				return nil, err
			}
			maps.Copy(in.Tags, tagMap(op.New["Tags"]))
			in.BasicAuthCredentials, in.EnableBasicAuth = basicAuth(op)
			out, err := Do(op, api.CreateApp, in)
			if err != nil {
				return nil, err
			}
			return madeApp(out.App), nil
		},
		Update: func(op *Op) (*Made, error) {
			made, err := setApp(op, appOfARN(op.PhysicalID))
			if err != nil {
				return nil, err
			}
			return made, retagAmplify(op)
		},
		Delete: func(op *Op) error {
			_, err := Do(op, api.DeleteApp, &api.DeleteAppInput{AppId: appOfARN(op.PhysicalID)})
			return err
		},
		Find: findApp,
	}
}

// appProperties are the properties of an app as its operations name them.
func appProperties(p map[string]any) map[string]any {
	out := pick(p, "AccessToken", "BuildSpec", "CacheConfig", "ComputeRoleArn", "CustomHeaders", "CustomRules", "Description", "EnableBranchAutoDeletion",
		"JobConfig", "Name", "OauthToken", "Platform", "Repository")
	if role, has := p["IAMServiceRole"]; has {
		out["IamServiceRoleArn"] = role
	}
	if p["EnvironmentVariables"] != nil {
		out["EnvironmentVariables"] = amplifyVariables(p)
	}
	if auto := object(p["AutoBranchCreationConfig"]); auto != nil {
		out["EnableAutoBranchCreation"] = auto["EnableAutoBranchCreation"]
		out["AutoBranchCreationPatterns"] = auto["AutoBranchCreationPatterns"]
		config := without(auto, "EnableAutoBranchCreation", "AutoBranchCreationPatterns", "BasicAuthConfig", "EnvironmentVariables")
		config["EnvironmentVariables"] = amplifyVariables(auto)
		if basic := object(auto["BasicAuthConfig"]); basic != nil {
			config["EnableBasicAuth"], config["BasicAuthCredentials"] = basic["EnableBasicAuth"], encodedAuth(basic)
		}
		out["AutoBranchCreationConfig"] = config
	}
	return out
}

// amplifyVariables makes a map of a list of names and values.
func amplifyVariables(p map[string]any) map[string]any {
	out := make(map[string]any)
	for _, element := range list(p["EnvironmentVariables"]) {
		v := object(element)
		out[text(v["Name"])] = text(v["Value"])
	}
	return out
}

func encodedAuth(basic map[string]any) string {
	return base64.StdEncoding.EncodeToString([]byte(text(basic["Username"]) + ":" + text(basic["Password"])))
}

// basicAuth is the password that a site has.
func basicAuth(op *Op) (credentials *string, enabled *bool) {
	basic := object(op.New["BasicAuthConfig"])
	if basic == nil || basic["Username"] == nil {
		return nil, new(false)
	}
	return new(encodedAuth(basic)), new(basic["EnableBasicAuth"] == nil || truth(basic["EnableBasicAuth"]))
}

// setApp makes the settings of an app those of op.New.
func setApp(op *Op, id string) (*Made, error) {
	in := &api.UpdateAppInput{AppId: id, Description: new(""), CustomHeaders: new(""), CustomRules: []api.CustomRule{}, EnvironmentVariables: map[string]string{}, EnableBranchAutoDeletion: new(false)}
	if err := Bind(op, appProperties(op.New), in); err != nil {
		return nil, err
	}
	in.BasicAuthCredentials, in.EnableBasicAuth = basicAuth(op)
	out, err := Do(op, api.UpdateApp, in)
	if err != nil {
		return nil, err
	}
	return madeApp(out.App), nil
}

func madeApp(a *api.App) *Made {
	return &Made{PhysicalID: a.AppArn, Attributes: map[string]any{"AppArn": a.AppArn, "AppId": a.AppId, "AppName": a.Name, "DefaultDomain": a.DefaultDomain}}
}

// appOfARN is the id of the app that an ARN of Amplify is of.
func appOfARN(arn string) string {
	_, rest, _ := strings.Cut(arn, ":apps/")
	id, _, _ := strings.Cut(rest, "/")
	return id
}

// findApp looks for the app that is tagged as what op is to make.
func findApp(op *Op) (*Made, error) {
	in := &api.ListAppsInput{}
	for {
		out, err := Do(op, api.ListApps, in)
		if err != nil {
			return nil, err
		}
		for _, a := range out.Apps {
			if a.Tags["aws:cloudformation:stack-id"] == op.Stack.ID && a.Tags["aws:cloudformation:logical-id"] == op.LogicalID && a.AppArn != op.Except {
				return setApp(op, a.AppId)
			}
		}
		if in.NextToken = out.NextToken; in.NextToken == nil {
			return nil, nil
		}
	}
}

func retagAmplify(op *Op) error {
	return retag(op, tagMap, func(tags map[string]string) error {
		_, err := Do(op, api.TagResource, &api.TagResourceInput{ResourceArn: op.PhysicalID, Tags: tags})
		return err
	}, func(keys []string) error {
		_, err := Do(op, api.UntagResource, &api.UntagResourceInput{ResourceArn: op.PhysicalID, TagKeys: keys})
		return err
	})
}

func amplifyBranch() *Type {
	return &Type{
		Name: "AWS::Amplify::Branch",
		Properties: Props(`AppId!@ Backend BasicAuthConfig BranchName!@ BuildSpec ComputeRoleArn Description EnableAutoBuild EnablePerformanceMode
			EnablePullRequestPreview EnableSkewProtection EnvironmentVariables Framework PullRequestEnvironmentName Stage Tags`),
		Attributes: []string{"Arn", "BranchName"},
		Note:       notBuilt,
		Create: func(op *Op) (*Made, error) {
			in := &api.CreateBranchInput{Tags: tagMap(op.New["Tags"])}
			if err := Bind(op, branchProperties(op.New), in); err != nil {
				return nil, err
			}
			in.BasicAuthCredentials, in.EnableBasicAuth = basicAuth(op)
			out, err := Do(op, api.CreateBranch, in)
			if err != nil {
				return nil, err
			}
			return madeBranch(out.Branch), nil
		},
		Update: func(op *Op) (*Made, error) {
			in := &api.UpdateBranchInput{Description: new(""), Framework: new(""), EnvironmentVariables: map[string]string{}, EnableAutoBuild: new(true), EnablePullRequestPreview: new(false)}
			if err := Bind(op, branchProperties(op.New), in); err != nil {
				return nil, err
			}
			in.BasicAuthCredentials, in.EnableBasicAuth = basicAuth(op)
			out, err := Do(op, api.UpdateBranch, in)
			if err != nil {
				return nil, err
			}
			return madeBranch(out.Branch), retagAmplify(op)
		},
		Delete: func(op *Op) error {
			_, err := Do(op, api.DeleteBranch, &api.DeleteBranchInput{AppId: text(op.Old["AppId"]), BranchName: text(op.Old["BranchName"])})
			return err
		},
		Find: func(op *Op) (*Made, error) {
			out, err := Do(op, api.GetBranch, &api.GetBranchInput{AppId: op.Text("AppId"), BranchName: op.Text("BranchName")})
			if err != nil {
				return nil, ignoreGone(err)
			}
			return madeBranch(out.Branch), nil
		},
	}
}

// branchProperties are the properties of a branch as its operations name them.
func branchProperties(p map[string]any) map[string]any {
	out := without(p, "BasicAuthConfig", "EnvironmentVariables", "Tags")
	if p["EnvironmentVariables"] != nil {
		out["EnvironmentVariables"] = amplifyVariables(p)
	}
	return out
}

func madeBranch(b *api.Branch) *Made {
	return &Made{PhysicalID: b.BranchArn, Attributes: map[string]any{"Arn": b.BranchArn, "BranchName": b.BranchName}}
}

func amplifyDomain() *Type {
	return &Type{
		Name:       "AWS::Amplify::Domain",
		Properties: Props("AppId!@ AutoSubDomainCreationPatterns AutoSubDomainIAMRole CertificateSettings DomainName!@ EnableAutoSubDomain SubDomainSettings!"),
		Attributes: []string{"Arn", "AutoSubDomainCreationPatterns", "AutoSubDomainIAMRole", "CertificateRecord", "DomainName", "DomainStatus", "EnableAutoSubDomain", "StatusReason", "UpdateStatus"},
		Create: func(op *Op) (*Made, error) {
			in := &api.CreateDomainAssociationInput{}
			if err := Bind(op, domainProperties(op.New), in); err != nil {
				return nil, err
			}
			out, err := Do(op, api.CreateDomainAssociation, in)
			if err != nil {
				return nil, err
			}
			return madeDomain(out.DomainAssociation), nil
		},
		Update: setDomain,
		Delete: func(op *Op) error {
			_, err := Do(op, api.DeleteDomainAssociation, &api.DeleteDomainAssociationInput{AppId: text(op.Old["AppId"]), DomainName: text(op.Old["DomainName"])})
			return err
		},
		Find: func(op *Op) (*Made, error) {
			made, err := setDomain(op)
			return made, ignoreGone(err)
		},
	}
}

// domainProperties are the properties of a domain as its operations name them.
func domainProperties(p map[string]any) map[string]any {
	out := without(p, "CertificateSettings")
	if c := object(p["CertificateSettings"]); c != nil {
		out["CertificateSettings"] = map[string]any{"Type": cmp.Or(text(c["CertificateType"]), api.CertificateTypeAmplifyManaged), "CustomCertificateArn": c["CustomCertificateArn"]}
	}
	return out
}

func setDomain(op *Op) (*Made, error) {
	in := &api.UpdateDomainAssociationInput{EnableAutoSubDomain: new(false), AutoSubDomainCreationPatterns: []string{}}
	if err := Bind(op, domainProperties(op.New), in); err != nil {
		return nil, err
	}
	out, err := Do(op, api.UpdateDomainAssociation, in)
	if err != nil {
		return nil, err
	}
	return madeDomain(out.DomainAssociation), nil
}

func madeDomain(d *api.DomainAssociation) *Made {
	patterns := []any{}
	for _, p := range d.AutoSubDomainCreationPatterns {
		patterns = append(patterns, p)
	}
	return &Made{PhysicalID: d.DomainAssociationArn, Attributes: map[string]any{
		"Arn": d.DomainAssociationArn, "DomainName": d.DomainName, "DomainStatus": d.DomainStatus, "StatusReason": d.StatusReason, "UpdateStatus": aws.Value(d.UpdateStatus),
		"EnableAutoSubDomain": d.EnableAutoSubDomain, "AutoSubDomainCreationPatterns": patterns, "AutoSubDomainIAMRole": aws.Value(d.AutoSubDomainIAMRole),
		"CertificateRecord": aws.Value(d.CertificateVerificationDNSRecord),
	}}
}

package resource

import (
	"github.com/aloft-cloud/aloft/internal/api/ses"
	"github.com/aloft-cloud/aloft/internal/api/sesv2"
)

// SES has the types of Simple Email Service.
func SES() []*Type {
	return []*Type{emailIdentity(), emailTemplate(), configurationSet(), configurationSetDestination(), receiptRuleSet(), receiptRule(), receiptFilter()}
}

func sesTags(tags map[string]string) (out []sesv2.Tag) {
	for key, value := range tags {
		out = append(out, sesv2.Tag{Key: key, Value: value})
	}
	return out
}

// retagSES makes the tags of a resource those of op.New.
func retagSES(op *Op, arn string) error {
	return retag(op, tagMap, func(tags map[string]string) error {
		_, err := Do(op, sesv2.TagResource, &sesv2.TagResourceInput{ResourceArn: arn, Tags: sesTags(tags)})
		return err
	}, func(keys []string) error {
		_, err := Do(op, sesv2.UntagResource, &sesv2.UntagResourceInput{ResourceArn: arn, TagKeys: keys})
		return err
	})
}

func findEmailIdentity(op *Op, name string) (*Made, error) {
	out, err := Do(op, sesv2.GetEmailIdentity, &sesv2.GetEmailIdentityInput{EmailIdentity: name})
	if err != nil {
		return nil, err
	}
	made := &Made{PhysicalID: name, Attributes: map[string]any{"EmailIdentityArn": op.ARN("ses", "identity/"+name)}}
	for i, token := range out.DkimAttributes.Tokens {
		n := string(rune('1' + i))
		made.Attributes["DkimDNSTokenName"+n] = token + "._domainkey." + name
		made.Attributes["DkimDNSTokenValue"+n] = token + ".dkim.amazonses.com"
	}
	return made, nil
}

// setEmailIdentity sets what of an identity can only be set once it is there.
func setEmailIdentity(op *Op, name string) error {
	if c := object(op.New["ConfigurationSetAttributes"]); op.Changed("ConfigurationSetAttributes") {
		in := &sesv2.PutEmailIdentityConfigurationSetAttributesInput{EmailIdentity: name}
		if err := Bind(op, c, in); err != nil {
			return err
		}
		if _, err := Do(op, sesv2.PutEmailIdentityConfigurationSetAttributes, in); err != nil {
			return err
		}
	}
	if m := object(op.New["MailFromAttributes"]); op.Changed("MailFromAttributes") {
		in := &sesv2.PutEmailIdentityMailFromAttributesInput{EmailIdentity: name}
		if err := Bind(op, m, in); err != nil {
			return err
		}
		if _, err := Do(op, sesv2.PutEmailIdentityMailFromAttributes, in); err != nil {
			return err
		}
	}
	if d := object(op.New["DkimAttributes"]); op.Changed("DkimAttributes") {
		_, err := Do(op, sesv2.PutEmailIdentityDkimAttributes, &sesv2.PutEmailIdentityDkimAttributesInput{EmailIdentity: name, SigningEnabled: new(text(d["SigningEnabled"]) != "false")})
		if err != nil {
			return err
		}
	}
	if f := object(op.New["FeedbackAttributes"]); op.Changed("FeedbackAttributes") {
		_, err := Do(op, sesv2.PutEmailIdentityFeedbackAttributes, &sesv2.PutEmailIdentityFeedbackAttributesInput{EmailIdentity: name, EmailForwardingEnabled: new(text(f["EmailForwardingEnabled"]) != "false")})
		return err
	}
	return nil
}

func emailIdentity() *Type {
	return &Type{
		Name:       "AWS::SES::EmailIdentity",
		Properties: Props("ConfigurationSetAttributes DkimAttributes DkimSigningAttributes EmailIdentity!@ FeedbackAttributes MailFromAttributes Tags"),
		Attributes: []string{
			"DkimDNSTokenName1", "DkimDNSTokenName2", "DkimDNSTokenName3", "DkimDNSTokenValue1", "DkimDNSTokenValue2", "DkimDNSTokenValue3", "EmailIdentityArn",
		},
		Create: func(op *Op) (*Made, error) {
			name := op.Text("EmailIdentity")
			in := &sesv2.CreateEmailIdentityInput{EmailIdentity: name, Tags: sesTags(tagMap(op.New["Tags"]))}
			if err := Bind(op, pick(op.New, "DkimSigningAttributes"), in); err != nil {
				return nil, err
			}
			if _, err := Do(op, sesv2.CreateEmailIdentity, in); err != nil {
				return nil, err
			}
			made, err := findEmailIdentity(op, name)
			if err != nil {
				return nil, err
			}
			return made, setEmailIdentity(op, name)
		},
		Update: func(op *Op) (*Made, error) {
			if err := setEmailIdentity(op, op.PhysicalID); err != nil {
				return nil, err
			}
			made, err := findEmailIdentity(op, op.PhysicalID)
			if err != nil {
				return nil, err
			}
			return made, retagSES(op, text(made.Attributes["EmailIdentityArn"]))
		},
		Delete: func(op *Op) error {
			_, err := Do(op, sesv2.DeleteEmailIdentity, &sesv2.DeleteEmailIdentityInput{EmailIdentity: op.PhysicalID})
			return err
		},
		Find: func(op *Op) (*Made, error) {
			made, err := findEmailIdentity(op, op.Text("EmailIdentity"))
			return made, ignoreGone(err)
		},
	}
}

func emailTemplate() *Type {
	read := func(op *Op) (*ses.Template, error) {
		in := &ses.Template{}
		err := Bind(op, without(object(op.New["Template"]), "Id"), in)
		return in, err
	}
	made := func(name string) *Made { return &Made{PhysicalID: name, Attributes: map[string]any{"Id": name}} }
	named := func(op *Op) string {
		if name := text(object(op.New["Template"])["TemplateName"]); name != "" {
			return name
		}
		return op.Name
	}
	return &Type{
		Name:       "AWS::SES::Template",
		Properties: Props("Tags Template"),
		Attributes: []string{"Id"},
		Naming:     Naming{Max: 64},
		Create: func(op *Op) (*Made, error) {
			in, err := read(op)
			if err != nil {
				return nil, err
			}
			in.TemplateName = named(op)
			if _, err := Do(op, ses.CreateTemplate, &ses.CreateTemplateInput{Template: in}); err != nil {
				return nil, err
			}
			if tags := tagMap(op.New["Tags"]); tags != nil {
				_, err = Do(op, sesv2.TagResource, &sesv2.TagResourceInput{ResourceArn: op.ARN("ses", "template/"+in.TemplateName), Tags: sesTags(tags)})
			}
			return made(in.TemplateName), err
		},
		Update: func(op *Op) (*Made, error) {
			in, err := read(op)
			if err != nil {
				return nil, err
			}
			in.TemplateName = op.PhysicalID
			if _, err := Do(op, ses.UpdateTemplate, &ses.UpdateTemplateInput{Template: in}); err != nil {
				return nil, err
			}
			return made(op.PhysicalID), retagSES(op, op.ARN("ses", "template/"+op.PhysicalID))
		},
		Delete: func(op *Op) error {
			_, err := Do(op, ses.DeleteTemplate, &ses.DeleteTemplateInput{TemplateName: op.PhysicalID})
			return err
		},
		Find: func(op *Op) (*Made, error) {
			name := named(op)
			if _, err := Do(op, ses.GetTemplate, &ses.GetTemplateInput{TemplateName: name}); err != nil {
				return nil, ignoreGone(err)
			}
			return made(name), nil
		},
		Replaces: func(old, new map[string]any) bool {
			return !Equal(object(old["Template"])["TemplateName"], object(new["Template"])["TemplateName"])
		},
	}
}

func configurationSet() *Type {
	made := func(name string) *Made { return &Made{PhysicalID: name} }
	return &Type{
		Name:       "AWS::SES::ConfigurationSet",
		Properties: Props("ArchivingOptions- DeliveryOptions@ Name@ ReputationOptions SendingOptions SuppressionOptions Tags TrackingOptions@ VdmOptions@"),
		Naming:     Naming{Property: "Name", Max: 64},
		Create: func(op *Op) (*Made, error) {
			in := &sesv2.CreateConfigurationSetInput{}
			if err := Bind(op, op.New, in); err != nil {
				return nil, err
			}
			in.ConfigurationSetName = op.Named("Name")
			if _, err := Do(op, sesv2.CreateConfigurationSet, in); err != nil {
				return nil, err
			}
			return made(in.ConfigurationSetName), nil
		},
		Update: func(op *Op) (*Made, error) {
			name := op.PhysicalID
			_, err := Do(op, sesv2.PutConfigurationSetSendingOptions, &sesv2.PutConfigurationSetSendingOptionsInput{
				ConfigurationSetName: name, SendingEnabled: new(text(object(op.New["SendingOptions"])["SendingEnabled"]) != "false"),
			})
			if err != nil {
				return nil, err
			}
			_, err = Do(op, sesv2.PutConfigurationSetReputationOptions, &sesv2.PutConfigurationSetReputationOptionsInput{
				ConfigurationSetName: name, ReputationMetricsEnabled: new(text(object(op.New["ReputationOptions"])["ReputationMetricsEnabled"]) == "true"),
			})
			if err != nil {
				return nil, err
			}
			if op.Changed("SuppressionOptions") {
				in := &sesv2.PutConfigurationSetSuppressionOptionsInput{ConfigurationSetName: name, SuppressedReasons: texts(object(op.New["SuppressionOptions"])["SuppressedReasons"])}
				if _, err := Do(op, sesv2.PutConfigurationSetSuppressionOptions, in); err != nil {
					return nil, err
				}
			}
			return made(name), retagSES(op, op.ARN("ses", "configuration-set/"+name))
		},
		Delete: func(op *Op) error {
			_, err := Do(op, sesv2.DeleteConfigurationSet, &sesv2.DeleteConfigurationSetInput{ConfigurationSetName: op.PhysicalID})
			return err
		},
		Find: func(op *Op) (*Made, error) {
			name := op.Named("Name")
			if _, err := Do(op, sesv2.GetConfigurationSet, &sesv2.GetConfigurationSetInput{ConfigurationSetName: name}); err != nil {
				return nil, ignoreGone(err)
			}
			return made(name), nil
		},
	}
}

// destinationTypes are the types of events as the second API has them.
var destinationTypes = map[string]string{
	"send": "SEND", "reject": "REJECT", "bounce": "BOUNCE", "complaint": "COMPLAINT", "delivery": "DELIVERY", "open": "OPEN", "click": "CLICK",
	"renderingFailure": "RENDERING_FAILURE", "deliveryDelay": "DELIVERY_DELAY", "subscription": "SUBSCRIPTION",
}

// destinationDefinition reads a destination as templates have it.
func destinationDefinition(op *Op) (*sesv2.EventDestinationDefinition, error) {
	d := object(op.New["EventDestination"])
	in := &sesv2.EventDestinationDefinition{}
	properties := without(d, "Name", "MatchingEventTypes", "CloudWatchDestination", "KinesisFirehoseDestination", "SnsDestination")
	for _, name := range []string{"SnsDestination", "KinesisFirehoseDestination", "CloudWatchDestination"} {
		if v, has := d[name]; has {
			properties[name] = v
		}
	}
	if err := Bind(op, properties, in); err != nil {
		return nil, err
	}
	for _, name := range texts(d["MatchingEventTypes"]) {
		if second, ok := destinationTypes[name]; ok {
			name = second
		}
		in.MatchingEventTypes = append(in.MatchingEventTypes, name)
	}
	if c := in.CloudWatchDestination; c != nil {
		for i := range c.DimensionConfigurations {
			s := &c.DimensionConfigurations[i].DimensionValueSource
			if second, ok := map[string]string{"messageTag": "MESSAGE_TAG", "emailHeader": "EMAIL_HEADER", "linkTag": "LINK_TAG"}[*s]; ok {
				*s = second
			}
		}
	}
	return in, nil
}

func configurationSetDestination() *Type {
	name := func(op *Op) string {
		if name := text(object(op.New["EventDestination"])["Name"]); name != "" {
			return name
		}
		return op.Name
	}
	made := func(set, name string) *Made {
		id := set + "|" + name
		return &Made{PhysicalID: id, Ref: id, Attributes: map[string]any{"Id": id}}
	}
	return &Type{
		Name:       "AWS::SES::ConfigurationSetEventDestination",
		Properties: Props("ConfigurationSetName!@ EventDestination!"),
		Attributes: []string{"Id"},
		Naming:     Naming{Max: 64},
		Create: func(op *Op) (*Made, error) {
			d, err := destinationDefinition(op)
			if err != nil {
				return nil, err
			}
			in := &sesv2.CreateConfigurationSetEventDestinationInput{ConfigurationSetName: op.Text("ConfigurationSetName"), EventDestinationName: name(op), EventDestination: d}
			if _, err := Do(op, sesv2.CreateConfigurationSetEventDestination, in); err != nil {
				return nil, err
			}
			return made(in.ConfigurationSetName, in.EventDestinationName), nil
		},
		Update: func(op *Op) (*Made, error) {
			d, err := destinationDefinition(op)
			if err != nil {
				return nil, err
			}
			in := &sesv2.UpdateConfigurationSetEventDestinationInput{ConfigurationSetName: op.Text("ConfigurationSetName"), EventDestinationName: name(op), EventDestination: d}
			_, err = Do(op, sesv2.UpdateConfigurationSetEventDestination, in)
			return made(in.ConfigurationSetName, in.EventDestinationName), err
		},
		Delete: func(op *Op) error {
			set := text(op.Old["ConfigurationSetName"])
			destination := op.PhysicalID[len(set)+1:]
			_, err := Do(op, sesv2.DeleteConfigurationSetEventDestination, &sesv2.DeleteConfigurationSetEventDestinationInput{ConfigurationSetName: set, EventDestinationName: destination})
			return err
		},
		Find: func(op *Op) (*Made, error) {
			set := op.Text("ConfigurationSetName")
			out, err := Do(op, sesv2.GetConfigurationSetEventDestinations, &sesv2.GetConfigurationSetEventDestinationsInput{ConfigurationSetName: set})
			if err != nil {
				return nil, ignoreGone(err)
			}
			for _, d := range out.EventDestinations {
				if d.Name == name(op) {
					return made(set, d.Name), nil
				}
			}
			return nil, nil
		},
		Replaces: func(old, new map[string]any) bool {
			return !Equal(object(old["EventDestination"])["Name"], object(new["EventDestination"])["Name"])
		},
	}
}

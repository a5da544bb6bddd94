package cognitoidp

import (
	"maps"
	"net/mail"
	"regexp"
	"slices"
	"strconv"
	"strings"

	api "github.com/aloft-cloud/aloft/internal/api/cognito-idp"
	"github.com/aloft-cloud/aloft/internal/aws"
)

// standard are the attributes that every pool has, in AWS's order.
var standard = strings.Fields(`profile address birthdate gender preferred_username updated_at website picture identities sub
	phone_number phone_number_verified zoneinfo locale email email_verified given_name family_name middle_name name nickname`)

// standardAttributes are the attributes of a pool that has no others.
func standardAttributes() []api.SchemaAttributeType {
	all := make([]api.SchemaAttributeType, len(standard))
	for i, name := range standard {
		a := api.SchemaAttributeType{Name: &name, AttributeDataType: new(api.AttributeDataTypeString), DeveloperOnlyAttribute: new(false), Mutable: new(true), Required: new(false)}
		switch name {
		case "email_verified", "phone_number_verified":
			a.AttributeDataType = new(api.AttributeDataTypeBoolean)
		case "updated_at":
			a.AttributeDataType, a.NumberAttributeConstraints = new(api.AttributeDataTypeNumber), &api.NumberAttributeConstraintsType{MinValue: new("0")}
		case "identities":
			a.StringAttributeConstraints = &api.StringAttributeConstraintsType{}
		case "birthdate":
			a.StringAttributeConstraints = &api.StringAttributeConstraintsType{MinLength: new("10"), MaxLength: new("10")}
		case "sub":
			a.Mutable, a.Required = new(false), new(true)
			a.StringAttributeConstraints = &api.StringAttributeConstraintsType{MinLength: new("1"), MaxLength: new("2048")}
		default:
			a.StringAttributeConstraints = &api.StringAttributeConstraintsType{MinLength: new("0"), MaxLength: new("2048")}
		}
		all[i] = a
	}
	return all
}

// addAttribute adds an attribute to a pool, or, while that is made, says how a
// standard one is.
func (p *pool) addAttribute(in api.SchemaAttributeType, making bool) error {
	name := aws.Value(in.Name)
	if name == "" {
		return invalid("Invalid schema: attribute name is required.")
	}
	if i := p.attribute(name); i >= 0 && making {
		a := &p.SchemaAttributes[i]
		if in.AttributeDataType != nil && *in.AttributeDataType != *a.AttributeDataType {
			return invalid("You can not change AttributeDataType or set developerOnlyAttribute for standard schema attribute %s.", name)
		}
		a.Required, a.Mutable = new(aws.Or(in.Required, *a.Required)), new(aws.Or(in.Mutable, *a.Mutable))
		if in.StringAttributeConstraints != nil {
			a.StringAttributeConstraints = in.StringAttributeConstraints
		}
		if in.NumberAttributeConstraints != nil {
			a.NumberAttributeConstraints = in.NumberAttributeConstraints
		}
		return nil
	}
	if aws.Value(in.Required) {
		return invalid("Required custom attributes are not supported currently.")
	}
	a := in
	prefix := "custom:"
	if aws.Value(in.DeveloperOnlyAttribute) {
		prefix = "dev:custom:"
	}
	a.Name = new(prefix + strings.TrimPrefix(name, prefix))
	a.AttributeDataType = new(aws.Or(in.AttributeDataType, api.AttributeDataTypeString))
	a.DeveloperOnlyAttribute, a.Mutable, a.Required = new(aws.Value(in.DeveloperOnlyAttribute)), new(aws.Or(in.Mutable, true)), new(false)
	switch *a.AttributeDataType {
	case api.AttributeDataTypeString:
		if a.StringAttributeConstraints == nil {
			a.StringAttributeConstraints = &api.StringAttributeConstraintsType{}
		}
	case api.AttributeDataTypeNumber:
		if a.NumberAttributeConstraints == nil {
			a.NumberAttributeConstraints = &api.NumberAttributeConstraintsType{}
		}
	}
	if p.attribute(*a.Name) >= 0 {
		return invalid("%s: Existing attribute already has name %s.", *a.Name, *a.Name)
	}
	p.SchemaAttributes = append(p.SchemaAttributes, a)
	return nil
}

// attribute is where an attribute is in the schema, or -1.
func (p *pool) attribute(name string) int {
	return slices.IndexFunc(p.SchemaAttributes, func(a api.SchemaAttributeType) bool { return *a.Name == name })
}

// attributesOf reads attributes as they were given.
func attributesOf(list []api.AttributeType) map[string]string {
	out := make(map[string]string, len(list))
	for _, a := range list {
		out[a.Name] = aws.Value(a.Value)
	}
	return out
}

// attributeList is attributes as AWS gives them.
func attributeList(all map[string]string) []api.AttributeType {
	out := []api.AttributeType{}
	for _, name := range slices.Sorted(maps.Keys(all)) {
		out = append(out, api.AttributeType{Name: name, Value: new(all[name])})
	}
	return out
}

var (
	phone    = regexp.MustCompile(`^\+\d{1,15}$`)
	dateForm = regexp.MustCompile(`^\d{4}-\d{2}-\d{2}$`)
)

// checkAttributes refuses attributes that do not fit the schema: those that are
// set, and, of a user who is made, those that are missing.
func (p *pool) checkAttributes(set map[string]string, making bool) error {
	var wrong strings.Builder
	say := func(name, reason string) { wrong.WriteString(name + ": " + reason + "\n") }
	for _, name := range slices.Sorted(maps.Keys(set)) {
		i := p.attribute(name)
		if i < 0 {
			say(name, "Attribute does not exist in the schema.")
			continue
		}
		a := &p.SchemaAttributes[i]
		switch {
		case name == "sub" || !making && !*a.Mutable:
			say(name, "Attribute cannot be updated.")
		case set[name] != "":
			if reason := misfit(a, set[name]); reason != "" {
				say(name, reason)
			}
		}
	}
	if making {
		for _, a := range p.SchemaAttributes {
			if *a.Required && *a.Name != "sub" && set[*a.Name] == "" {
				say(*a.Name, "The attribute is required")
			}
		}
	}
	if wrong.Len() > 0 {
		return invalid("Attributes did not conform to the schema: %s", wrong.String())
	}
	if email := set["email"]; email != "" && !isEmail(email) {
		return invalid("Invalid email address format.")
	}
	if number := set["phone_number"]; number != "" && !phone.MatchString(number) {
		return invalid("Invalid phone number format.")
	}
	return nil
}

func isEmail(text string) bool {
	a, err := mail.ParseAddress(text)
	return err == nil && a.Address == text
}

// misfit is why a value does not fit an attribute; empty if it does.
func misfit(a *api.SchemaAttributeType, value string) string {
	switch *a.AttributeDataType {
	case api.AttributeDataTypeBoolean:
		if value != "true" && value != "false" {
			return "Invalid boolean value."
		}
	case api.AttributeDataTypeNumber:
		n, err := strconv.ParseInt(value, 10, 64)
		if err != nil {
			return "Invalid number."
		}
		if c := a.NumberAttributeConstraints; c != nil {
			if least, err := strconv.ParseInt(aws.Value(c.MinValue), 10, 64); err == nil && n < least {
				return "Value must be greater than or equal to " + *c.MinValue + "."
			}
			if greatest, err := strconv.ParseInt(aws.Value(c.MaxValue), 10, 64); err == nil && n > greatest {
				return "Value must be less than or equal to " + *c.MaxValue + "."
			}
		}
	case api.AttributeDataTypeString:
		if *a.Name == "birthdate" && !dateForm.MatchString(value) {
			return "Birthdate is not a valid date."
		}
		if c := a.StringAttributeConstraints; c != nil {
			length := len([]rune(value))
			if least, err := strconv.Atoi(aws.Value(c.MinLength)); err == nil && length < least {
				return "String must be at least " + *c.MinLength + " characters long."
			}
			if greatest, err := strconv.Atoi(aws.Value(c.MaxLength)); err == nil && length > greatest {
				return "String must not be longer than " + *c.MaxLength + " characters."
			}
		}
	}
	return ""
}

// setAttributes sets attributes of a user; those that are empty are removed.
// A new address is not verified, unless that is said with it.
func setAttributes(u *user, set map[string]string) {
	for name, value := range set {
		if (name == "email" || name == "phone_number") && u.Attributes[name] != value {
			delete(u.Attributes, name+"_verified")
			if value != "" {
				u.Attributes[name+"_verified"] = "false"
			}
		}
	}
	for name, value := range set {
		if value == "" {
			delete(u.Attributes, name)
		} else {
			u.Attributes[name] = value
		}
	}
}

// mayWrite refuses attributes that the client may not write.
func (c *client) mayWrite(set map[string]string) error {
	for name := range set {
		if strings.HasPrefix(name, "dev:") || strings.HasSuffix(name, "_verified") || len(c.WriteAttributes) > 0 && !slices.Contains(c.WriteAttributes, name) {
			return unauthorized("A client attempted to write unauthorized attribute")
		}
	}
	return nil
}

// readable are those attributes that the client may read.
func (c *client) readable(all map[string]string) map[string]string {
	out := make(map[string]string)
	for name, value := range all {
		if !strings.HasPrefix(name, "dev:") && (name == "sub" || len(c.ReadAttributes) == 0 || slices.Contains(c.ReadAttributes, name)) {
			out[name] = value
		}
	}
	return out
}

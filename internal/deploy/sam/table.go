package sam

var tableSchema = newSchema(tableType, `PointInTimeRecoverySpecification PrimaryKey:{s} ProvisionedThroughput:{im}
	TableName:sm Tags:m SSESpecification:m`)

// attributeTypes are the types of a primary key, as DynamoDB calls them.
var attributeTypes = map[string]string{"String": "S", "Number": "N", "Binary": "B"}

// expandTable makes a table of an AWS::Serverless::SimpleTable.
func expandTable(m *macro) ([]*resource, error) {
	r := newResource("AWS::DynamoDB::Table", m.id, m.attrs)
	r.dependsOn = m.dependsOn
	var name any = "id"
	typ := "S"
	if key := asObject(m.props["PrimaryKey"]); len(key) > 0 {
		for _, property := range []string{"Name", "Type"} {
			if key[property] == nil {
				return nil, badResource(m.id, "Property 'PrimaryKey.%s' is required.", property)
			}
		}
		name, typ = key["Name"], attributeTypes[asString(key["Type"])]
		if typ == "" {
			return nil, badResource(m.id, `Invalid 'Type' "%s".`, shown(key["Type"]))
		}
	}
	r.props["AttributeDefinitions"] = []any{object{"AttributeName": name, "AttributeType": typ}}
	r.props["KeySchema"] = []any{object{"AttributeName": name, "KeyType": "HASH"}}
	for _, property := range []string{"PointInTimeRecoverySpecification", "ProvisionedThroughput", "SSESpecification", "TableName"} {
		if given(m.props[property]) {
			r.props[property] = m.props[property]
		}
	}
	if !given(m.props["ProvisionedThroughput"]) {
		r.props["BillingMode"] = "PAY_PER_REQUEST"
	}
	if tags := asObject(m.props["Tags"]); len(tags) > 0 {
		r.props["Tags"] = tagList(tags)
	}
	return []*resource{r}, nil
}

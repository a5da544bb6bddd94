package dynamodb

// newPolicy is a resource policy with a fresh revision, or none.
func newPolicy(text string) policy {
	if text == "" {
		return policy{}
	}
	return policy{Text: text, Revision: newUUID()}
}

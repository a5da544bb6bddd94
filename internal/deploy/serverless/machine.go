package serverless

// stateMachines adds the state machines of the plugin serverless-step-functions.
func (b *builder) stateMachines() error {
	if b.s.root["stepFunctions"] == nil {
		return nil
	}
	return b.s.errorAt([]string{"stepFunctions"}, "Aloft does not make the state machines of serverless-step-functions yet")
}

package sam

func (t *transformer) embeddedConnectors() error { return nil }

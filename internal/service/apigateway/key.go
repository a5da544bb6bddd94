package apigateway

// A caller is who brings an API key, as far as usage plans say.
type caller struct{}

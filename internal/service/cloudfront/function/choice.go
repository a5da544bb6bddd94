package function

// A Choice is the origin that a script has chosen for a request: one of its own
// making, one of the distribution's by id, or a group of these.
type Choice struct {
	ID     string  `json:"id"`
	Origin *Origin `json:"origin"`
	Group  *Group  `json:"group"`
}

// An Origin is what a script says of an origin. What it does not say is as the
// distribution has it.
type Origin struct {
	DomainName    string            `json:"domainName"`
	HostHeader    string            `json:"hostHeader"`
	Path          *string           `json:"originPath"`
	CustomHeaders map[string]string `json:"customHeaders"`
	AccessControl *struct {
		Enabled bool `json:"enabled"`
	} `json:"originAccessControlConfig"`
	Timeouts struct {
		Read *int32 `json:"readTimeout"`
	} `json:"timeouts"`
	Custom *struct {
		Port     int32  `json:"port"`
		Protocol string `json:"protocol"`
	} `json:"customOriginConfig"`
}

// A Group is origins that are asked one after the other.
type Group struct {
	Members []struct {
		ID string `json:"originId"`
	} `json:"originIds"`
	Failover struct {
		Codes []int32 `json:"statusCodes"`
	} `json:"failoverCriteria"`
}

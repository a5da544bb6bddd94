package iot

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"net"
	"strings"

	api "github.com/aloft-cloud/aloft/internal/api/iot"
	"github.com/aloft-cloud/aloft/internal/aws"
)

// DescribeEndpoint says where messages are published: at a name below the one
// that the caller asked, or at AWS's own where that has no names below it, as in
// functions, which find the platform there.
func (s *Service) DescribeEndpoint(_ context.Context, call *aws.Call, in *api.DescribeEndpointInput) (*api.DescribeEndpointOutput, error) {
	suffix := ""
	switch kind := aws.Or(in.EndpointType, "iot:Data"); kind {
	case "iot:Data":
	case "iot:Data-ATS", "iot:Data-Beta":
		suffix = "-ats"
	case "iot:CredentialProvider", "iot:Jobs":
		return nil, aws.NotImplemented.Errorf("Aloft does not have endpoints of type %s yet.", kind)
	default:
		return nil, invalid("Invalid endpoint type: %s", kind)
	}
	id := sha256.Sum256([]byte(call.Account))
	address := "a" + hex.EncodeToString(id[:])[:13] + suffix + ".iot." + call.Region + "."
	name, port, err := net.SplitHostPort(call.Host)
	if err != nil {
		name, port = call.Host, ""
	}
	if name == "" || net.ParseIP(strings.Trim(name, "[]")) != nil || strings.HasSuffix(name, ".amazonaws.com") {
		return &api.DescribeEndpointOutput{EndpointAddress: new(address + "amazonaws.com")}, nil
	}
	address += name
	if port != "" {
		address = net.JoinHostPort(address, port)
	}
	return &api.DescribeEndpointOutput{EndpointAddress: &address}, nil
}

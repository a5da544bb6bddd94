// Package edge is where HTTP enters. A request takes these steps, in order,
// and each may end it:
//
//	route --> find operation --> authenticate --> decode --> authorise and run --> encode
//
// Routing says which service is meant, by the rules in route.go. What a service
// serves on hosts of its own (execute-api) leaves after that step.
package edge

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/aloft-cloud/aloft/internal/auth"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/dispatch"
	"github.com/aloft-cloud/aloft/internal/protocol"
	"github.com/aloft-cloud/aloft/internal/service"
	"github.com/aloft-cloud/aloft/internal/smithy"
)

// Config is what a Handler stands on.
type Config struct {
	Table   *dispatch.Table
	Auth    *auth.Auth
	Region  string // of requests that name none
	Version string
	Log     *slog.Logger
}

// A Handler answers every request.
type Handler struct {
	cfg    Config
	router *router
	apis   map[string]*smithy.Service
	hosts  map[string]service.Host // by suffix
}

// New returns a handler for the services of the table.
func New(cfg Config) *Handler {
	h := &Handler{cfg: cfg, apis: make(map[string]*smithy.Service), hosts: make(map[string]service.Host)}
	suffixes := make(map[string]bool)
	for _, def := range cfg.Table.Services() {
		h.apis[def.API.Name] = def.API
		for _, host := range def.Hosts {
			h.hosts[host.Suffix] = host
			suffixes[host.Suffix] = true
		}
	}
	h.router = newRouter(suffixes)
	return h
}

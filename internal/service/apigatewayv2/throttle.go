package apigatewayv2

import (
	"sync"
	"time"

	"github.com/aloft-cloud/aloft/internal/aws"
)

// A limiter is a bucket of tokens, one for each request: burst fit in, and rate
// come each second.
type limiter struct {
	rate, burst float64

	mu     sync.Mutex
	tokens float64
	filled time.Time
}

// limitOf is the limiter of a route on a stage, by its own settings or the
// stage's, or nil if neither says anything.
func limitOf(stage *stageRow, routeKey string) *limiter {
	settings := stage.DefaultRouteSettings
	if own, ok := stage.RouteSettings[routeKey]; ok && (own.ThrottlingBurstLimit != nil || own.ThrottlingRateLimit != nil) {
		settings = &own
	}
	if settings == nil || settings.ThrottlingBurstLimit == nil && settings.ThrottlingRateLimit == nil {
		return nil
	}
	// What is not said is what an account has.
	l := &limiter{rate: aws.Or(settings.ThrottlingRateLimit, 10_000), burst: float64(aws.Or(settings.ThrottlingBurstLimit, 5_000))}
	l.tokens, l.filled = l.burst, time.Now()
	return l
}

// take takes a token, and reports whether there was one.
func (l *limiter) take() bool {
	if l == nil {
		return true
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	now := time.Now()
	l.tokens = min(l.burst, l.tokens+l.rate*now.Sub(l.filled).Seconds())
	l.filled = now
	if l.tokens < 1 {
		return false
	}
	l.tokens--
	return true
}

package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"runtime/debug"
	"time"

	"github.com/spf13/cobra"

	"github.com/aloft-cloud/aloft/internal/edge"
	"github.com/aloft-cloud/aloft/internal/platform"
)

func serveCommand(s *settings) *cobra.Command {
	return &cobra.Command{
		Use: "serve", Short: "Start Aloft for others: keys are checked, a root key is printed once", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return serving(cmd.Context(), s, false, cmd.OutOrStdout(), func(ctx context.Context, p *running) error {
				<-ctx.Done()
				return nil
			})
		},
	}
}

// running is an Aloft that this process runs.
type running struct {
	*platform.Platform
	url    string // "http://127.0.0.1:4566"
	secure string // the same over HTTPS, if there is that
	ready  time.Duration
}

// tune sets the collector as serving wants it, unless the environment says
// otherwise.
func tune() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(gcPercent)
	}
}

// gcPercent lets the heap, a few MB at rest, grow by some 20 MB before it is
// collected: under load that is a collection in some thousand requests and not
// in some hundred.
const gcPercent = 500

// began is about when the process started.
var began = time.Now()

// serving runs Aloft while do runs. open takes unknown access keys as root.
func serving(ctx context.Context, s *settings, open bool, out io.Writer, do func(context.Context, *running) error) error {
	if err := s.load(); err != nil {
		return err
	}
	if done, err := again(); done {
		return err
	}
	log, err := s.logger()
	if err != nil {
		return err
	}
	data, err := filepath.Abs(s.get("data"))
	if err != nil {
		return err
	}
	listen := s.get("listen")
	if open {
		if err := checkLoopback(listen); err != nil {
			return err
		}
	}
	l, err := net.Listen("tcp", listen)
	if err != nil {
		return err
	}
	defer l.Close()
	tune()
	url := "http://" + l.Addr().String()
	asked := ctx // ends when the user says so
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	cfg := s.platform(data, open, log, out)
	if err := s.delays(&cfg); err != nil {
		return err
	}
	cfg.Endpoint = "http://localhost:" + port(l)
	p, err := platform.Start(ctx, cfg)
	if err != nil {
		return err
	}
	defer func() {
		if err := p.Stop(); err != nil {
			log.Error("stop", "err", err)
		}
	}()
	secure, end, err := s.serve(ctx, p, l, data, open, log, stop)
	if err != nil {
		return err
	}
	defer end()
	if err := served(data, l.Addr()); err != nil {
		return err
	}

	r := &running{Platform: p, url: url, ready: time.Since(began)}
	if secure != nil {
		r.secure = "https://" + secure.Addr().String()
	}
	greet(out, r, s, data)
	err = do(ctx, r)
	if asked.Err() != nil {
		return nil
	}
	if ctx.Err() != nil {
		return context.Cause(ctx) // the listener failed
	}
	return err
}

// serve has p answer on l, over TLS, DNS and SMTP, as the settings say, until
// end. stop is told of what ends before.
func (s *settings) serve(ctx context.Context, p *platform.Platform, l net.Listener, data string, open bool, log *slog.Logger, stop context.CancelCauseFunc) (secure *secureListener, end func(), err error) {
	names, err := s.listenDNS(ctx, p.Names, open, log)
	if err != nil {
		return nil, nil, err
	}
	if secure, err = s.listenTLS(p.CA, p.Certificate, p.Domains.Trust, data, open); err != nil {
		return nil, nil, errors.Join(err, closeDNS(names))
	}
	devices, err := s.listenMQTT(p.CA, p.Certificate, data, open)
	if err != nil {
		return nil, nil, errors.Join(err, closeDNS(names))
	}
	mail, err := s.listenSMTP(ctx, p.Letters, p.CA, p.Certificate, data, open, log)
	if err != nil {
		return nil, nil, errors.Join(err, closeDNS(names))
	}
	server := edge.NewServer(&edge.Proxy{Handler: p.Handler, TLS: p.CA.TLS(), World: open, Log: log}, log)
	if secure != nil {
		p.Go(func() { stop(server.ServeTLS(secure.Listener, secure.config)) })
	}
	if devices != nil {
		p.Go(func() { stop(p.Devices.ServeMQTT(devices.Listener, devices.config)) })
	}
	if mail != nil {
		p.Go(func() { stop(mail.Serve(mail.l)) })
	}
	for _, n := range names {
		p.Go(func() { stop(n.ActivateAndServe()) })
	}
	p.Go(func() { stop(server.Serve(l)) })
	return secure, func() {
		server.Stop()
		if devices != nil {
			devices.Close() // an error here has no consequence
		}
		if mail != nil {
			mail.Close() // nor here: what was not acknowledged is sent again
		}
		if err := closeDNS(names); err != nil {
			log.Debug("stop answering DNS", "err", err)
		}
	}, nil
}

// delays sets how much slower than they are parts of the platform are to seem.
func (s *settings) delays(cfg *platform.Config) (err error) {
	if cfg.IndexDelay, err = s.duration("index-delay"); err != nil {
		return err
	}
	cfg.TableDelay, err = s.duration("table-delay")
	return err
}

// platform is what the settings say of the platform.
func (s *settings) platform(data string, open bool, log *slog.Logger, out io.Writer) platform.Config {
	return platform.Config{
		Data:     data,
		Region:   s.get("region"),
		Open:     open,
		Unfenced: open || s.bool("unfenced"),
		Scripts:  scripts(),
		Egress:   s.get("egress"),
		Private:  s.bool("private-addresses"),
		Mail:     s.get("mail"),
		Letters:  s.get("letters"),
		Cache:    cacheDir(),
		Tell:     func(what string) { fmt.Fprintln(out, "  note:", what) },
		Version:  Version,
		Log:      log,
		Fatal: func(err error) { // nothing can be kept any more
			fmt.Fprintln(os.Stderr, "aloft:", err)
			os.Exit(3)
		},
	}
}

// cacheDir keeps what can be fetched again: the SDKs that functions need not
// bring. Without a home there is none, and nothing is fetched.
func cacheDir() string {
	dir, err := os.UserCacheDir()
	if err != nil {
		return ""
	}
	return filepath.Join(dir, "aloft")
}

// greet says where Aloft is, and what this host lacks.
func greet(out io.Writer, r *running, s *settings, data string) {
	fmt.Fprintf(out, "Aloft %s is ready at %s after %d ms; its data is in %s\n", Version, r.url, r.ready.Milliseconds(), data)
	if r.secure != "" {
		fmt.Fprintf(out, "  and at %s\n", r.secure)
	}
	for _, m := range r.Missing {
		fmt.Fprintln(out, "  note:", m)
	}
	if k := r.RootKey; k != nil {
		fmt.Fprintf(out, "\n  The root key of account %s, shown this once:\n\n    AWS_ACCESS_KEY_ID=%s\n    AWS_SECRET_ACCESS_KEY=%s\n", k.Account, k.ID, k.Secret)
	}
}

// checkLoopback refuses to take unknown keys from other machines.
func checkLoopback(listen string) error {
	host, _, err := net.SplitHostPort(listen)
	if err != nil {
		return fmt.Errorf("--listen %s: %w", listen, err)
	}
	if ip := net.ParseIP(host); host != "localhost" && (ip == nil || !ip.IsLoopback()) {
		return fmt.Errorf("aloft dev takes any key as root, so it listens on this machine alone, not on %s; `aloft serve` checks keys", listen)
	}
	return nil
}

func port(l net.Listener) string {
	_, port, _ := net.SplitHostPort(l.Addr().String()) // a listener's own address
	return port
}

package database

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgconn/ctxwatch"

	"github.com/aloft-cloud/aloft/internal/maven"
)

// Postgres is PostgreSQL.
var Postgres Engine = postgres{}

type postgres struct{}

// postgresFiles are what is fetched, by the system of the host and the version.
var postgresFiles = map[string]map[string][2]string{
	"linux-amd64": {
		"13": {"13.23.0", "0713b8a6dbe13440718ea789eefca6ae562b004bc0541d9c21d20300529c1db2"},
		"14": {"14.24.0", "2722d05eb22c671104c9918d59d8ba9f5656898f5452a0207bb4cce21eef5dc4"},
		"15": {"15.19.0", "95f0b66fe72d4ca66c815773c44cb1196ea38552463e89a35f18114b3ed1565f"},
		"16": {"16.15.0", "653abc065c682b85d3da50168fb95dc524bd85426cdec9ce3695a550ef431df2"},
		"17": {"17.11.0", "0dd7b72b6f335b8ecfb355fa24c5781e8a93edd09880bb77eb52ebbf29b3e96d"},
		"18": {"18.6.0", "008ee189eaa7ca2b58bd01dd950291e638b998392cf982297acd4779ec898ac1"},
	},
	"linux-arm64": {
		"14": {"14.23.0", "a55b93f67051a602be033b298461709f88789dccee925236f2fb5a4eaf9dd526"},
		"15": {"15.19.0", "95baf4bd4af31b91b3050118df59388ed0064756b556b850669e0300aa7b9911"},
		"16": {"16.15.0", "f846a9989d686b7977d6eca9bc9d8b2b69e3f70c7eb60e032197d9c574a6136c"},
		"17": {"17.11.0", "8b042e0ea418b1927d95399207950da0734d27fe01e29503ade3bdc464ad4c2b"},
		"18": {"18.4.0", "a9ec284923b9a7d2db41509bfb88c3d0eeb9f4aa5e2b29ea0aac5e8dbaf4c335"},
	},
}

// usualPostgres is the version of databases that name none that we have.
const usualPostgres = "17"

// PostgresVersion is the version that serves databases for which one of
// PostgreSQL's is wanted: "16" of "16.4". One that is too old is the oldest.
func PostgresVersion(wanted string) string {
	major, _, _ := strings.Cut(wanted, ".")
	n, err := strconv.Atoi(major)
	switch {
	case err != nil || n > 18:
		return usualPostgres
	case n < 14:
		return "14"
	}
	return major
}

func (postgres) program(version string) (*program, error) {
	if version == "" {
		version = usualPostgres
	}
	f, ok := postgresFiles[platform][version]
	if !ok {
		return nil, fmt.Errorf("%w: there is no PostgreSQL %s for %s", ErrNoProgram, version, platform)
	}
	const group = "io/zonky/test/postgres/embedded-postgres-binaries-"
	arch := map[string]string{"linux-amd64": "linux-amd64", "linux-arm64": "linux-arm64v8"}[platform]
	file := group + arch + "/" + f[0] + "/" + filepath.Base(group) + arch + "-" + f[0] + ".jar"
	return &program{
		name: "PostgreSQL " + strings.TrimSuffix(f[0], ".0"), dir: "postgres-" + f[0] + "-" + platform, unpack: unpackPostgres,
		file: maven.File{Path: file, SHA256: f[1]},
	}, nil
}

// distrusted are extensions that lead out of the database, or deep into it: users
// who are no superusers cannot have them, on RDS neither.
var distrusted = []string{
	"adminpack", "file_fdw", "pageinspect", "pg_surgery", "pg_walinspect", "xml2", "lo", "old_snapshot", "pg_freespacemap",
}

// unpackPostgres also has owners of databases make extensions, as they may on RDS,
// where they are no superusers either.
func unpackPostgres(jar, dir string) error {
	if err := unpackTar(jar, dir); err != nil {
		return err
	}
	controls, err := filepath.Glob(filepath.Join(dir, "share/postgresql/extension/*.control"))
	if err != nil {
		return err
	}
	for _, file := range controls {
		name := strings.TrimSuffix(filepath.Base(file), ".control")
		if slices.Contains(distrusted, name) || strings.Contains(name, "plperl") || strings.Contains(name, "plpython") || strings.Contains(name, "pltcl") {
			continue
		}
		text, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		if err := os.WriteFile(file, append(text, "\ntrusted = true\n"...), 0o644); err != nil {
			return err
		}
	}
	return nil
}

func (postgres) port() int { return 5432 }

const passwordFile = "password" // of the first user, while the database is made

func (postgres) prepare(dir, password string) error {
	return os.WriteFile(filepath.Join(dir, passwordFile), []byte(password), 0o644) // the directory is closed to others
}

func (postgres) clean(dir string) error { return os.Remove(filepath.Join(dir, passwordFile)) }

func (postgres) create(at place) []string {
	return []string{
		filepath.Join(at.program, "bin/initdb"), "--pgdata=" + filepath.Join(at.data, "pg"), "--username=rdsadmin", "--pwfile=" + filepath.Join(at.data, passwordFile),
		"--auth=scram-sha-256", "--encoding=UTF8", "--locale=C.UTF-8", "--no-instructions",
	}
}

// postgresSettings are those of every server. It listens to us alone.
var postgresSettings = map[string]string{
	"listen_addresses": "127.0.0.1", "unix_socket_directories": "", "max_connections": "200", "shared_buffers": "32MB",
	"dynamic_shared_memory_type": "mmap", "huge_pages": "off", "max_wal_size": "256MB", "ssl": "off", "password_encryption": "scram-sha-256",
	"timezone": "UTC", "log_timezone": "UTC", "log_checkpoints": "off", "max_worker_processes": "4", "shared_preload_libraries": "pg_stat_statements",
}

// choices are settings that owners of databases may choose, and plainValue is what
// no server stumbles over.
var (
	choices = strings.Fields(`client_encoding datestyle deadlock_timeout default_statistics_target default_transaction_isolation effective_cache_size
		idle_in_transaction_session_timeout idle_session_timeout intervalstyle jit lock_timeout log_duration log_lock_waits log_min_duration_statement
		log_statement maintenance_work_mem max_locks_per_transaction pg_stat_statements.track random_page_cost search_path statement_timeout
		temp_buffers timezone wal_level work_mem`)
	plainValue = regexp.MustCompile(`^[A-Za-z0-9_/+.:"$, -]+$`)
)

func (postgres) serve(at place, settings map[string]string) []string {
	argv := []string{filepath.Join(at.program, "bin/postgres"), "-D", filepath.Join(at.data, "pg"), "-p", strconv.Itoa(at.port)}
	for name, value := range postgresSettings {
		argv = append(argv, "-c", name+"="+value)
	}
	for name, value := range settings {
		if name = strings.ToLower(name); slices.Contains(choices, name) && plainValue.MatchString(value) {
			argv = append(argv, "-c", name+"="+value) // the last counts
		}
	}
	return argv
}

// Connect connects to a database of PostgreSQL, as a user.
func Connect(ctx context.Context, dial func(context.Context) (net.Conn, error), user, password, name string) (*pgconn.PgConn, error) {
	cfg, err := clientConfig(dial)
	if err != nil {
		return nil, err
	}
	cfg.User, cfg.Password, cfg.Database = user, password, name
	return pgconn.ConnectConfig(ctx, cfg)
}

// connect connects as who may do everything. What the owner of a database has set for it
// does not count: a search path, say, by which names would be the owner's functions.
func (postgres) connect(ctx context.Context, a *Admin, name string) (*pgconn.PgConn, error) {
	cfg, err := clientConfig(a.Dial)
	if err != nil {
		return nil, err
	}
	cfg.User, cfg.Password, cfg.Database = a.User, a.Password, name
	cfg.RuntimeParams = map[string]string{
		"search_path": "pg_catalog", "standard_conforming_strings": "on", "default_transaction_read_only": "off", "role": "none", "statement_timeout": "0", "lock_timeout": "0",
	}
	return pgconn.ConnectConfig(ctx, cfg)
}

// clientConfig is that of a client that connects by dial. A statement whose context
// ends is cancelled.
func clientConfig(dial func(context.Context) (net.Conn, error)) (*pgconn.Config, error) {
	cfg, err := pgconn.ParseConfig("host=127.0.0.1 port=5432 sslmode=disable user=none password=none dbname=none passfile='' application_name=''")
	if err != nil {
		return nil, err
	}
	cfg.Fallbacks, cfg.RuntimeParams = nil, make(map[string]string) // those of our environment are not meant
	cfg.DialFunc = func(ctx context.Context, _, _ string) (net.Conn, error) { return dial(ctx) }
	cfg.BuildContextWatcherHandler = func(c *pgconn.PgConn) ctxwatch.Handler {
		return &pgconn.CancelRequestContextWatcherHandler{Conn: c, DeadlineDelay: cancelLimit}
	}
	return cfg, nil
}

// cancelLimit is how long a server may take to cancel a statement.
const cancelLimit = 5 * time.Second

// do runs statements as who may do everything.
func (e postgres) do(ctx context.Context, a *Admin, name string, statements ...string) error {
	c, err := e.connect(ctx, a, name)
	if err != nil {
		return err
	}
	defer c.Close(ctx)
	for _, text := range statements {
		if _, err := c.Exec(ctx, text).ReadAll(); err != nil {
			return err
		}
	}
	return nil
}

func (e postgres) ping(ctx context.Context, a *Admin) error { return e.do(ctx, a, "postgres") }

// own makes roles as RDS has them: the owner may make databases and users, and is
// no superuser.
func (e postgres) own(ctx context.Context, a *Admin, o *Owner) error {
	user := quoteName(o.User)
	err := e.do(
		ctx, a, "postgres",
		"CREATE ROLE rds_superuser NOLOGIN; CREATE ROLE rds_iam NOLOGIN; CREATE ROLE rds_password NOLOGIN; CREATE ROLE rds_replication NOLOGIN",
		"GRANT pg_monitor, pg_signal_backend, rds_password, rds_replication, rds_iam TO rds_superuser WITH ADMIN OPTION",
		"CREATE ROLE "+user+" LOGIN CREATEDB CREATEROLE PASSWORD "+quoteText(o.Password)+" VALID UNTIL 'infinity'",
		"GRANT rds_superuser TO "+user,
		"ALTER DATABASE postgres OWNER TO "+user,
	)
	var refused *pgconn.PgError
	if errors.As(err, &refused) {
		return fmt.Errorf("user %s: %s", o.User, refused.Message)
	}
	if err != nil || o.Database == "" || o.Database == "postgres" {
		return err
	}
	return e.do(ctx, a, "postgres", "CREATE DATABASE "+quoteName(o.Database)+" OWNER "+user)
}

func (e postgres) setPassword(ctx context.Context, a *Admin, user, password string) error {
	return e.do(ctx, a, "postgres", "ALTER ROLE "+quoteName(user)+" PASSWORD "+quoteText(password))
}

func quoteName(name string) string { return `"` + strings.ReplaceAll(name, `"`, `""`) + `"` }

func quoteText(text string) string { return "'" + strings.ReplaceAll(text, "'", "''") + "'" }

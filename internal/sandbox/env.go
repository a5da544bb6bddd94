package sandbox

import (
	"cmp"
	"maps"
	"strconv"
	"strings"

	"github.com/aloft-cloud/aloft/internal/sandbox/lang"
)

// places are where a worker finds things.
type places struct {
	task, opt, runtime, lang string
	sdk                      string // has packages that functions need not bring
	trust                    string // has the certificates of our authority; empty where none is needed
}

var fencedPlaces = places{task: "/var/task", opt: "/opt", runtime: "/var/runtime", lang: "/var/lang", trust: "/var/runtime/trust"}

// baseEnv is the environment of every process, before it is of a function.
func baseEnv(at places) map[string]string {
	env := map[string]string{
		"LANG":               "en_US.UTF-8",
		"LAMBDA_RUNTIME_DIR": at.runtime,
		"LD_LIBRARY_PATH":    expand(at, "/var/lang/lib:/lib64:/usr/lib64:/var/runtime:/var/runtime/lib:/var/task:/var/task/lib:/opt/lib"),
		"PATH":               expand(at, "/var/lang/bin:/usr/local/bin:/usr/bin/:/bin:/opt/bin"),
		"TZ":                 ":UTC",
	}
	if at.trust != "" {
		for _, name := range []string{"SSL_CERT_FILE", "AWS_CA_BUNDLE", "REQUESTS_CA_BUNDLE"} {
			env[name] = at.trust + "/" + allRoots
		}
	}
	return env
}

// languageEnv is what a language's processes have besides.
func languageEnv(l lang.Language, at places) map[string]string {
	switch l.Kind {
	case lang.Node:
		modules := at.lang + "/lib/node_modules"
		if inUsr(l) {
			modules = l.Prefix + "/lib/node_modules"
		}
		n := strconv.Itoa(l.Version.Major)
		// The last is ours: what the host has for all, such as the AWS SDK.
		env := map[string]string{"ALOFT_SDK": string(l.SDK), "NODE_PATH": expand(at, "/opt/nodejs/node"+n+"/node_modules:/opt/nodejs/node_modules") + ":" + cmp.Or(at.sdk, at.runtime+"/node_modules") + ":" + expand(at, "/var/runtime:/var/task") + ":" + modules}
		if at.trust != "" {
			env["NODE_EXTRA_CA_CERTS"] = at.trust + "/" + ourRoot
		}
		return env
	case lang.Java:
		home := at.lang
		if inUsr(l) {
			home = l.Prefix
		}
		return map[string]string{"JAVA_HOME": home}
	case lang.Python:
		return map[string]string{"PYTHONPATH": at.runtime, "ALOFT_SDK": at.sdk}
	}
	return nil
}

// inUsr says if a language is where every worker sees it.
func inUsr(l lang.Language) bool { return l.Prefix == "/usr" || strings.HasPrefix(l.Prefix, "/usr/") }

// expand writes a path of a fenced worker as it is at other places.
func expand(at places, list string) string {
	return strings.NewReplacer("/var/task", at.task, "/opt", at.opt, "/var/runtime", at.runtime, "/var/lang", at.lang).Replace(list)
}

// functionEnv is what makes a process one of f's.
func functionEnv(f *Function, at places, creds Credentials, stream, kind, endpoint string) map[string]string {
	env := map[string]string{
		"AWS_ENDPOINT_URL":                "http://" + endpoint,
		"AWS_XRAY_CONTEXT_MISSING":        "LOG_ERROR",
		"AWS_XRAY_DAEMON_ADDRESS":         "127.0.0.1:2000",
		"_AWS_XRAY_DAEMON_ADDRESS":        "127.0.0.1",
		"_AWS_XRAY_DAEMON_PORT":           "2000",
		"AWS_EC2_METADATA_DISABLED":       "true",
		"AWS_LAMBDA_INITIALIZATION_TYPE":  kind,
		"AWS_LAMBDA_FUNCTION_MEMORY_SIZE": strconv.Itoa(f.memoryMB()),
	}
	maps.Copy(env, f.Env)
	maps.Copy(env, map[string]string{
		"AWS_REGION":                  f.ARN.Region,
		"AWS_DEFAULT_REGION":          f.ARN.Region,
		"AWS_LAMBDA_FUNCTION_NAME":    f.name(),
		"AWS_LAMBDA_FUNCTION_VERSION": f.Version,
		"AWS_LAMBDA_LOG_GROUP_NAME":   f.logGroup(),
		"AWS_LAMBDA_LOG_STREAM_NAME":  stream,
		"LAMBDA_TASK_ROOT":            at.task,
		"_HANDLER":                    f.Handler,
	})
	if creds.AccessKeyID != "" {
		env["AWS_ACCESS_KEY_ID"] = creds.AccessKeyID
		env["AWS_SECRET_ACCESS_KEY"] = creds.SecretAccessKey
		env["AWS_SESSION_TOKEN"] = creds.SessionToken
	}
	if kind, _, err := lang.Parse(f.Runtime); err == nil && kind != lang.Provided {
		env["AWS_EXECUTION_ENV"] = "AWS_Lambda_" + f.Runtime
	}
	if f.json() {
		env["AWS_LAMBDA_LOG_FORMAT"] = "JSON"
		env["AWS_LAMBDA_LOG_LEVEL"] = cmp.Or(f.LogLevel, "INFO")
	}
	return env
}

func (f *Function) json() bool { return strings.EqualFold(f.LogFormat, "JSON") }

// bootVariables change how an interpreter starts: a function that has one
// cannot be given to a process that has started.
var bootVariables = []string{
	"AWS_LAMBDA_EXEC_WRAPPER", "NODE_OPTIONS", "NODE_EXTRA_CA_CERTS", "PYTHONHASHSEED", "PYTHONHOME", "PYTHONSTARTUP", "PYTHONOPTIMIZE",
	"PYTHONUTF8", "PYTHONDEVMODE", "PYTHONWARNINGS", "PYTHONMALLOC", "PYTHONTRACEMALLOC", "PYTHONFAULTHANDLER", "PYTHONIOENCODING", "LANG", "LC_ALL", "UV_THREADPOOL_SIZE",
}

// usualValues are those of boot variables that our clients can heed later too,
// and that many functions have.
var usualValues = map[string]string{"NODE_OPTIONS": "--enable-source-maps", "NODE_EXTRA_CA_CERTS": "/var/runtime/ca-cert.pem"}

// bootEnv is what of f's variables its process must be started with.
func bootEnv(f *Function) map[string]string {
	env := map[string]string{}
	for _, name := range bootVariables {
		if v, ok := f.Env[name]; ok && v != usualValues[name] {
			env[name] = v
		}
	}
	for name, v := range f.Env {
		if strings.HasPrefix(name, "LD_") || strings.HasPrefix(name, "MALLOC_") || strings.HasPrefix(name, "GLIBC_") {
			env[name] = v
		}
	}
	return env
}

// list writes an environment as execve takes it. What the kernel would not
// understand is left out.
func list(env map[string]string) []string {
	var all []string
	for name, v := range env {
		if name == "" || strings.ContainsAny(name, "=\x00") || strings.Contains(v, "\x00") {
			continue
		}
		all = append(all, name+"="+v)
	}
	return all
}

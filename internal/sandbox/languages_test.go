package sandbox

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/aloft-cloud/aloft/internal/sandbox/lang"
)

func ruby(t testing.TB, source string) *Function {
	return function("ruby", "ruby3.1", "index.handler", code(t, map[string]string{"index.rb": source}))
}

func TestRuby(t *testing.T) {
	r := newRig(t, func(c *Config) { c.Endpoint = whoServes })
	for name, tc := range map[string]struct{ source, payload, err, want string }{
		"result":    {"def handler(event:, context:) = { got: event['a'] }", `{"a":1}`, "", `{"got":1}`},
		"nothing":   {"def handler(event:, context:); end", `1`, "", `null`},
		"text":      {"def handler(event:, context:) = event + 'ü✓'", `"ß"`, "", `"ßü✓"`},
		"stream":    {"require 'stringio'\ndef handler(event:, context:) = StringIO.new('raw')", `1`, "", `raw`},
		"raise":     {"def handler(event:, context:) = raise(ArgumentError, 'bad')", `1`, "Unhandled", `{"errorMessage":"bad","errorType":"Function<ArgumentError>","stackTrace":\["/var/task/index.rb:1:in .handler'"\]}`},
		"no method": {"def other(event:, context:); end", `1`, "Unhandled", `{"errorMessage":"undefined method .handler.*","errorType":"Function<NoMethodError>".*`},
		"require":   {"require 'missing'", `1`, "Unhandled", `{"errorMessage":"cannot load such file -- missing","errorType":"Init<LoadError>".*`},
		"exit":      {"def handler(event:, context:) = exit(3)", `1`, "Unhandled", `{"errorType":"Runtime.ExitError","errorMessage":"RequestId: ` + testID + ` Error: Runtime exited with error: exit status 3"}`},
		"https":     {"require 'net/http'\ndef handler(event:, context:) = Net::HTTP.get(URI('https://sqs.eu-west-1.amazonaws.com/'))", `1`, "", `"sqs.eu-west-1.amazonaws.com true"`},
		"context": {"def handler(event:, context:) = [context.function_name, context.memory_limit_in_mb, context.aws_request_id, context.get_remaining_time_in_millis > 4000, ENV['_X_AMZN_TRACE_ID'], ENV['AWS_REGION'], Dir.pwd]",
			`1`, "", `\["ruby","256","` + testID + `",true,"Root=1-2-3","eu-west-1","/var/task"\]`},
	} {
		t.Run(name, func(t *testing.T) {
			f := ruby(t, tc.source)
			f.Revision = name
			expect(t, r.invoke(t, f, tc.payload), tc.err, tc.want)
		})
	}
	f := function("class", "ruby2.7", "lib/app.Outer::App.call", code(t, map[string]string{"lib/app.rb": "module Outer\nclass App\ndef self.call(event:, context:)\nputs 'said'\nevent\nend\nend\nend"}))
	res := r.invoke(t, f, "7")
	expect(t, res, "", "7")
	r.log(t, res.LogStream, "said\n")
}

// TestJava compiles against AWS's own interfaces, which its client brings.
func TestJava(t *testing.T) {
	javac, err := exec.LookPath("javac")
	if err != nil {
		t.Skip("needs javac, of a JDK")
	}
	r := sdkRig(t)
	l, err := r.findLanguage("java17")
	if err != nil {
		t.Skip(err)
	}
	jars := r.sdkOf(l)
	if jars == "" {
		t.Fatal("AWS's client for Java could not be had")
	}
	dir := code(t, map[string]string{"src/app/App.java": javaApp})
	if out, err := exec.Command(javac, "--release", "11", "-cp", filepath.Join(jars, "*"), "-d", dir, filepath.Join(dir, "src/app/App.java")).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	os.RemoveAll(filepath.Join(dir, "src"))
	for name, tc := range map[string]struct{ handler, payload, err, want string }{
		"object":    {"app.App::handleRequest", `{"name":"Ada","n":2}`, "", `{"text":"hello Ada","n":3}`},
		"interface": {"app.App", `{"name":"Ada"}`, "", `{"text":"hello Ada","n":1}`},
		"stream":    {"app.App::copy", `"abc"`, "", `"abc"`},
		"throw":     {"app.App::fail", `{}`, "Unhandled", `{"errorMessage":"bad","errorType":"java.lang.IllegalStateException","stackTrace":\["app.App.fail\(App.java:\d+\)".*`},
		"no class":  {"app.None::handleRequest", `{}`, "Unhandled", `.*Class not found: app.None.*ClassNotFoundException.*`},
		"https":     {"app.App::get", `"https://s3.eu-west-1.amazonaws.com/"`, "", `.*"s3.eu-west-1.amazonaws.com true".*|.*AWS4.*|.*"200".*`},
		"context":   {"app.App::who", `{}`, "", `"java 512 eu-west-1"`},
	} {
		t.Run(name, func(t *testing.T) {
			f := function("java", "java17", tc.handler, dir)
			f.Revision, f.MemoryMB, f.Timeout = name, 512, 20*time.Second
			expect(t, r.invoke(t, f, tc.payload), tc.err, tc.want)
		})
	}
	t.Run("archive", func(t *testing.T) { checkArchive(t, r, l, dir) })
}

// checkArchive: an archive of classes is made while functions run without it,
// kept, and then used by all workers.
func checkArchive(t *testing.T, r *rig, l lang.Language, dir string) {
	for end := time.Now().Add(time.Minute); ; time.Sleep(10 * time.Millisecond) {
		root, err := r.rootOf(l)
		if err != nil || time.Now().After(end) {
			t.Fatal("no archive of classes: ", err)
		}
		if root.hasArchive {
			break
		}
	}
	f := function("java", "java17", "app.App::mapped", dir)
	f.Revision, f.MemoryMB, f.Timeout = "archive", 128, 20*time.Second
	expect(t, r.invoke(t, f, "{}"), "", "true")
}

const javaApp = `package app;

import com.amazonaws.services.lambda.runtime.Context;
import com.amazonaws.services.lambda.runtime.RequestHandler;
import java.io.*;
import java.net.URL;

public class App implements RequestHandler<App.In, App.Out> {
	public static class In { private String name; private int n; public String getName() { return name; } public void setName(String v) { name = v; } public int getN() { return n; } public void setN(int v) { n = v; } }
	public static class Out { private final String text; private final int n; Out(String t, int n) { text = t; this.n = n; } public String getText() { return text; } public int getN() { return n; } }

	public Out handleRequest(In in, Context c) { c.getLogger().log("logged"); return new Out("hello " + in.getName(), in.getN() + 1); }
	public void copy(InputStream in, OutputStream out, Context c) throws IOException { in.transferTo(out); }
	public String fail(In in) { throw new IllegalStateException("bad"); }
	public String who(In in, Context c) { return c.getFunctionName() + " " + c.getMemoryLimitInMB() + " " + System.getenv("AWS_REGION"); }
	public boolean mapped() throws IOException { return java.nio.file.Files.readString(java.nio.file.Path.of("/proc/self/maps")).contains("classes.jsa"); }
	public String get(String url) throws IOException {
		var c = (java.net.HttpURLConnection) new URL(url).openConnection();
		c.setRequestProperty("Authorization", "AWS4-HMAC-SHA256 Credential=ASIAEXAMPLE/20260101/eu-west-1/s3/aws4_request, SignedHeaders=host, Signature=0");
		return "" + c.getResponseCode();
	}
}
`

// Packages in a layer are found by the version that the function asked for,
// whatever it runs on.
func TestLayersOfOtherVersions(t *testing.T) {
	r := newRig(t, func(c *Config) { c.Tell = func(string) {} })
	layer := code(t, map[string]string{
		"nodejs/node18/node_modules/dep/index.js": "module.exports = 'dep'", "python/lib/python3.7/site-packages/dep.py": "x = 'dep'",
		"ruby/gems/2.7.0/gems/dep-1.0.0/lib/dep.rb": "DEP = 'dep'", "ruby/gems/2.7.0/specifications/dep-1.0.0.gemspec": "Gem::Specification.new { |s| s.name = 'dep'; s.version = '1.0.0'; s.summary = 'd'; s.authors = ['a'] }",
	})
	for _, f := range []*Function{
		function("node", "nodejs18.x", "index.handler", code(t, map[string]string{"index.js": "exports.handler = async () => require('dep')"})),
		function("python", "python3.7", "index.handler", code(t, map[string]string{"index.py": "import dep\ndef handler(e, c): return dep.x"})),
		function("ruby", "ruby2.7", "index.handler", code(t, map[string]string{"index.rb": "require 'dep'\ndef handler(event:, context:) = DEP"})),
	} {
		t.Run(f.Runtime, func(t *testing.T) {
			f.Layers = []string{layer}
			expect(t, r.invoke(t, f, "1"), "", `"dep"`)
		})
	}
}

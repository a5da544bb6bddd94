package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

const javaHello = `public class Hello {
	public Object handle(Object event) { return event; }
}
`

// javaCodes measures a class against AWS's own client, which boots it from an
// archive of all classes that it loads, unfenced, and has its event at once.
func (b *bench) javaCodes() ([]code, error) {
	javac, err := exec.LookPath("javac")
	if err != nil {
		return nil, nil
	}
	dir := filepath.Join(b.dir, "java")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	src := filepath.Join(dir, "Hello.java")
	if err := os.WriteFile(src, []byte(javaHello), 0o600); err != nil {
		return nil, err
	}
	if out, err := exec.Command(javac, "--release", "11", "-d", dir, src).CombinedOutput(); err != nil {
		return nil, fmt.Errorf("%w\n%s", err, out)
	}
	class, err := os.ReadFile(filepath.Join(dir, "Hello.class"))
	if err != nil {
		return nil, err
	}
	zipped, err := zipOf("Hello.class", class)
	if err != nil {
		return nil, err
	}
	f := javaFloor{dir: dir}
	return []code{{name: "java", runtime: "java17", handler: "Hello::handle", zip: zipped, prepare: f.archive, floor: f.boot,
		coldBar: func(floor float64) float64 { return 1.1 * floor }}}, nil
}

// A javaFloor is the boot of AWS's client with an archive of classes.
type javaFloor struct {
	dir  string
	argv []string
}

// archive makes a jar of the function, and has the JVM write what it loads.
func (f *javaFloor) archive() error {
	cache, err := os.UserCacheDir()
	if err != nil {
		return err
	}
	jars, _ := filepath.Glob(filepath.Join(cache, "aloft", "aws-lambda-java", "*.jar"))
	if len(jars) == 0 {
		return fmt.Errorf("no client for Java in %s", cache)
	}
	jar := filepath.Join(f.dir, "hello.jar")
	if out, err := exec.Command("jar", "cf", jar, "-C", f.dir, "Hello.class").CombinedOutput(); err != nil {
		return fmt.Errorf("%w\n%s", err, out)
	}
	archive := filepath.Join(f.dir, "classes.jsa")
	rest := []string{"-Xmx409m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-cp", strings.Join(append(jars, jar), ":"), "com.amazonaws.services.lambda.runtime.api.client.AWSLambda", "Hello::handle"}
	f.argv = append([]string{"java", "-XX:ArchiveClassesAtExit=" + archive}, rest...)
	if _, err := f.boot(); err != nil {
		return err
	}
	f.argv = append([]string{"java", "-XX:SharedArchiveFile=" + archive}, rest...)
	return nil
}

// boot starts the client, and takes the time until it has answered an event.
func (f *javaFloor) boot() (time.Duration, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	answered := make(chan time.Time, 1)
	given := false
	server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case strings.HasSuffix(r.URL.Path, "/response"):
			io.Copy(io.Discard, r.Body)
			answered <- time.Now()
			w.WriteHeader(http.StatusAccepted)
		case given, r.Method != http.MethodGet:
			<-r.Context().Done() // there is no more
		default:
			given = true
			w.Header().Set("Content-Type", "application/json")
			w.Header().Set("Lambda-Runtime-Invoked-Function-Arn", "arn:aws:lambda:us-east-1:000000000000:function:java")
			w.Header().Set("Lambda-Runtime-Aws-Request-Id", "8476a536-e9f4-11e8-9739-2dfe598c3fcd")
			w.Header().Set("Lambda-Runtime-Deadline-Ms", fmt.Sprint(time.Now().Add(time.Minute).UnixMilli()))
			io.WriteString(w, "{}")
		}
	})}
	go server.Serve(l)
	defer server.Close()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	began := time.Now()
	cmd := exec.CommandContext(ctx, f.argv[0], f.argv[1:]...)
	cmd.Env = append(cleanEnv(), "AWS_LAMBDA_RUNTIME_API="+l.Addr().String(), "AWS_LAMBDA_FUNCTION_MEMORY_SIZE=512", "AWS_EXECUTION_ENV=AWS_Lambda_java17")
	cmd.Dir = f.dir
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Start(); err != nil {
		return 0, err
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	select {
	case at := <-answered:
		cmd.Process.Signal(syscall.SIGTERM) // at which it writes its archive, if it is to
		<-ended
		return at.Sub(began), nil
	case err := <-ended:
		return 0, fmt.Errorf("the client for Java answered nothing: %w\n%s", err, out.Bytes())
	}
}

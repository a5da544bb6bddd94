package pack

import (
	"context"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/aloft-cloud/aloft/internal/sandbox/lang"
	"github.com/aloft-cloud/aloft/internal/scratch"
)

// javaTool is the tool by which the sources in src are built.
func javaTool(src string) string {
	switch {
	case exists(src, "build.gradle"), exists(src, "build.gradle.kts"):
		return "gradle"
	case exists(src, "pom.xml"):
		return "mvn"
	}
	return ""
}

// collectForLambda is what Gradle is to do besides: copy what the code needs.
const collectForLambda = `
allprojects {
  afterEvaluate { project ->
    if (project.plugins.hasPlugin('java')) {
      project.tasks.register('aloftCollect', Copy) {
        dependsOn project.tasks.named('classes')
        into "$aloftOut/$project.name"
        from(project.sourceSets.main.output)
        into('lib') { from project.configurations.runtimeClasspath }
      }
    }
  }
}
`

// jdkOf is the Java by which the sources of a runtime are built: the one that
// runs its functions, where that has a compiler. The host's own may be older
// than the sources, or newer than what is to run them.
func jdkOf(runtime string) (l lang.Language, ok bool) {
	home, _ := os.UserHomeDir() // where none is known, there are fewer places to look
	l, err := (&lang.Finder{Home: home}).Find(runtime)
	return l, err == nil && l.Kind == lang.Java && exists(l.Prefix, "bin/javac")
}

// javaHome tells build tools of it.
func javaHome(runtime string) []string {
	if l, ok := jdkOf(runtime); ok {
		return []string{"JAVA_HOME=" + l.Prefix}
	}
	return nil
}

// annotated has Maven run the processors of annotations that it finds, as every
// Java before 23 did by itself.
func annotated(runtime string) []string {
	if l, ok := jdkOf(runtime); ok && l.Version.Major >= 23 {
		return []string{"-Dmaven.compiler.proc=full"}
	}
	return nil
}

// javaBuild compiles the sources in src for a runtime. out holds its classes,
// and in lib what they need.
func javaBuild(ctx context.Context, runtime, src, out string) error {
	if err := renew(out); err != nil {
		return err
	}
	env := javaHome(runtime)
	if javaTool(src) == "mvn" {
		tool := "mvn"
		if exists(src, "mvnw") {
			tool = "./mvnw"
		}
		args := append(annotated(runtime), "-q", "-B", "package", "-DskipTests", "dependency:copy-dependencies", "-DincludeScope=runtime",
			"-Dmdep.prependGroupId=true", "-DoutputDirectory="+filepath.Join(out, "lib"))
		if err := run(ctx, src, env, tool, args...); err != nil {
			return err
		}
		return copyDir(filepath.Join(src, "target", "classes"), out)
	}
	tool := "gradle"
	if exists(src, "gradlew") {
		tool = "./gradlew"
	}
	script, remove, err := scratch.Dir("aloft-gradle-")
	if err != nil {
		return err
	}
	defer remove()
	file, made := filepath.Join(script, "init.gradle"), filepath.Join(script, "out")
	text := "def aloftOut = '" + strings.ReplaceAll(made, "'", `\'`) + "'\n" + collectForLambda
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		return err
	}
	if err := run(ctx, src, env, tool, "-q", "--no-daemon", "--init-script", file, "aloftCollect"); err != nil {
		return err
	}
	projects, err := fs.ReadDir(os.DirFS(made), ".")
	if err != nil {
		return err
	}
	for _, p := range projects {
		if err := copyDir(filepath.Join(made, p.Name()), out); err != nil {
			return err
		}
	}
	return nil
}

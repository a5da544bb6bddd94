// Package arch holds the shape of the code base still. It has only this test.
package arch

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const module = "github.com/aloft-cloud/aloft/internal/"

// layers is the platform from the bottom up. A package imports only from
// lines above its own, so packages on one line know nothing of each other.
var layers = [][]string{
	{"aws", "ca", "dockerfile", "javatime", "kernel", "lexer", "maven", "scratch", "stat", "tree"},
	{"asl/*", "database/mysql", "jsonata", "smithy", "task", "jx", "sandbox/lang"},
	{"store", "meter", "vtl", "item", "auth/*", "event/*", "sandbox/*"},
	{"api/*", "store/*", "container", "database", "event", "sandbox", "script", "protocol", "asl", "service/s3/query"},
	{"service", "service/*/*", "gateway/*", "edge/*"},
	{"dispatch", "auth"},
	{"poll", "deploy/template", "deploy/sam"},
	{"deploy/resource", "deploy/serverless"},
	{"deploy"},
	{"service/*", "edge", "console", "client", "pack"},
	{"platform"},
	{"cli", "platformtest", "gen"},
}

// serviceFiles are in every service, so that who knows one service knows them all.
var serviceFiles = []string{"doc.go", "service.go", "store.go", "service_test.go", "testdata"}

const (
	maxFile = 600 // lines
	maxFunc = 70
)

// onlyIn names what belongs to one package, or a few, or none, and what to do instead.
var onlyIn = map[string]struct{ pkg, instead string }{
	"os.Getenv":      {"cli", "take it by a Config"},
	"os.LookupEnv":   {"cli", "take it by a Config"},
	"os.Environ":     {"cli", "take it by a Config"},
	"sync.WaitGroup": {"task", "use a task.Group"},
	"time.Tick":      {"", "return from a task's Run how long until more is due"},
	"time.NewTicker": {"", "return from a task's Run how long until more is due"},
	"time.AfterFunc": {"", "make it a task, whose due times are rows"},
	"log.Printf":     {"", "use the slog.Logger of the Config"},
	"unsafe.Pointer": {"sandbox/fence kernel", "do without"},
}

// wellKnown are methods whose meaning everyone knows.
var wellKnown = map[string]bool{"Error": true, "String": true, "Unwrap": true, "Len": true, "Less": true, "Swap": true, "Close": true, "Read": true, "Write": true, "ServeHTTP": true}

// public reports whether n is a function, or a method of an exported type.
func public(n *ast.FuncDecl) bool {
	if n.Recv == nil {
		return true
	}
	t := n.Recv.List[0].Type
	for {
		switch x := t.(type) {
		case *ast.StarExpr:
			t = x.X
		case *ast.IndexExpr:
			t = x.X
		case *ast.IndexListExpr:
			t = x.X
		case *ast.Ident:
			return x.IsExported()
		default:
			return true
		}
	}
}

func layerOf(pkg string) int {
	for i, layer := range layers {
		for _, p := range layer {
			if ok, _ := path.Match(p, pkg); ok {
				return i
			}
		}
	}
	return -1
}

func TestShape(t *testing.T) {
	root := ".."
	err := filepath.WalkDir(root, func(file string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(file, ".go") || strings.HasSuffix(file, "_test.go") {
			return err
		}
		rel, _ := filepath.Rel(root, file)
		checkFile(t, file, filepath.ToSlash(rel))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	services, _ := filepath.Glob(filepath.Join(root, "service", "*", "service.go"))
	for _, s := range services {
		for _, want := range serviceFiles {
			if _, err := os.Stat(filepath.Join(filepath.Dir(s), want)); err != nil {
				t.Errorf("%s: has no %s", filepath.Dir(s), want)
			}
		}
	}
}

func checkFile(t *testing.T, file, rel string) {
	pkg := path.Dir(rel)
	mine := layerOf(pkg)
	if mine < 0 {
		t.Errorf("%s: package %s has no layer; add it to layers", rel, pkg)
	}
	fset := token.NewFileSet()
	f, err := parser.ParseFile(fset, file, nil, parser.ParseComments)
	if err != nil {
		t.Fatal(err)
	}
	for _, imp := range f.Imports {
		name, _ := strconv.Unquote(imp.Path.Value)
		if dep, ok := strings.CutPrefix(name, module); ok && layerOf(dep) >= mine {
			t.Errorf("%s: imports %s, which is not below it", rel, dep)
		}
	}
	if ast.IsGenerated(f) {
		return
	}
	if n := fset.File(f.Pos()).LineCount(); n > maxFile {
		t.Errorf("%s: %d lines; the most is %d", rel, n, maxFile)
	}
	ast.Inspect(f, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.FuncDecl:
			lines := fset.Position(n.End()).Line - fset.Position(n.Pos()).Line + 1
			if lines > maxFunc {
				t.Errorf("%s: %s has %d lines; the most is %d", rel, n.Name.Name, lines, maxFunc)
			}
			if n.Name.IsExported() && n.Doc == nil && !wellKnown[n.Name.Name] && public(n) {
				t.Errorf("%s: %s has no comment", rel, n.Name.Name)
			}
		case *ast.GoStmt:
			if pkg != "task" {
				t.Errorf("%s: starts a goroutine; package task does that", fset.Position(n.Pos()))
			}
		case *ast.SelectorExpr:
			x, ok := n.X.(*ast.Ident)
			if !ok {
				break
			}
			name := x.Name + "." + n.Sel.Name
			if rule, found := onlyIn[name]; found && !slices.Contains(strings.Fields(rule.pkg), pkg) {
				t.Errorf("%s: uses %s; %s", fset.Position(n.Pos()), name, rule.instead)
			}
		}
		return true
	})
}

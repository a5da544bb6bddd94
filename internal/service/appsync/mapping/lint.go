package mapping

import (
	"reflect"
	"regexp"
	"strings"

	"github.com/dop251/goja/ast"
	"github.com/dop251/goja/file"
	"github.com/dop251/goja/parser"
	"github.com/dop251/goja/token"
)

// modules finds what makes code a module, which the parser does not read.
var modules = regexp.MustCompile(`(?m)^[ \t]*(import\b[^;'"]*(?:from\s*)?['"][^'"]*['"];?|export\s*\{[^}]*\}[^;\n]*;?|export\s+(?:default\s+)?)`)

// lint finds what the runtime has not. What it cannot read it lets pass.
func lint(code string) []CodeError {
	plain := modules.ReplaceAllStringFunc(code, func(s string) string {
		return regexp.MustCompile(`[^\n]`).ReplaceAllString(s, " ") // all stays where it is
	})
	files := new(file.FileSet)
	program, err := parser.ParseFile(files, "code.js", plain, 0, parser.WithDisableSourceMaps)
	if err != nil {
		return nil
	}
	var wrong []CodeError
	walk(reflect.ValueOf(program.Body), func(n ast.Node) {
		words := refusedOf(n)
		if words == "" {
			return
		}
		at := program.File.Position(int(n.Idx0()) - program.File.Base())
		wrong = append(wrong, CodeError{Type: "UNSUPPORTED_SYNTAX", Message: words, Line: at.Line, Column: at.Column, Span: int(n.Idx1() - n.Idx0())})
	})
	return wrong
}

// refusedOf says what a node is that the runtime has not, or "".
func refusedOf(n ast.Node) string {
	switch n := n.(type) {
	case *ast.FunctionLiteral:
		if n.Async {
			return "Async functions are not supported"
		}
		if n.Generator {
			return "Generators are not supported"
		}
	case *ast.ArrowFunctionLiteral:
		if n.Async {
			return "Async functions are not supported"
		}
	case *ast.AwaitExpression:
		return "Await is not supported"
	case *ast.ClassLiteral:
		return "Classes are not supported"
	case *ast.ForStatement:
		return "For loops are not supported, but for-in and for-of"
	case *ast.WhileStatement, *ast.DoWhileStatement:
		return "While loops are not supported"
	case *ast.TryStatement:
		return "Try statements are not supported"
	case *ast.ThrowStatement:
		return "Throw statements are not supported; use util.error"
	case *ast.LabelledStatement:
		return "Labels are not supported"
	case *ast.ThisExpression:
		return "This is not supported"
	case *ast.RegExpLiteral:
		return "Regular expressions are not supported; use util.matches"
	case *ast.BranchStatement:
		if n.Token == token.CONTINUE {
			return "Continue is not supported"
		}
	case *ast.UnaryExpression:
		switch n.Operator {
		case token.INCREMENT, token.DECREMENT, token.BITWISE_NOT:
			return "The operator " + n.Operator.String() + " is not supported"
		}
	case *ast.BinaryExpression:
		if n.Operator == token.INSTANCEOF {
			return "The operator instanceof is not supported"
		}
	}
	return ""
}

// walk calls f for all nodes of a tree.
func walk(v reflect.Value, f func(ast.Node)) {
	switch v.Kind() {
	case reflect.Interface:
		walk(v.Elem(), f)
	case reflect.Pointer:
		if v.IsNil() || !strings.HasSuffix(v.Type().Elem().PkgPath(), "goja/ast") {
			return
		}
		if n, ok := v.Interface().(ast.Node); ok {
			f(n)
		}
		walk(v.Elem(), f)
	case reflect.Struct:
		for i := range v.NumField() {
			if v.Type().Field(i).IsExported() && v.Type().Field(i).Name != "DeclarationList" { // which names what is elsewhere
				walk(v.Field(i), f)
			}
		}
	case reflect.Slice:
		for i := range v.Len() {
			walk(v.Index(i), f)
		}
	}
}

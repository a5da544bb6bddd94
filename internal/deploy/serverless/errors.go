package serverless

import (
	"fmt"
	"strings"
)

// An Error says what is wrong with an application, or what of it Aloft does
// not do, and where.
type Error struct {
	File    string
	Line    int    // 0 if it is about no one place
	Path    string // "functions.hello.events.0"
	Message string
}

// Error returns "serverless.yml:12: functions.hello: …".
func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString(e.File)
	if e.Line > 0 {
		fmt.Fprintf(&b, ":%d", e.Line)
	}
	b.WriteString(": ")
	if e.Path != "" {
		b.WriteString(e.Path + ": ")
	}
	b.WriteString(e.Message)
	return b.String()
}

// A Note is something that the framework or a plugin would do, and that is
// left out here, although the application works without it.
type Note Error

func (n Note) String() string { e := Error(n); return e.Error() }

// errorAt makes an error about the value at a path of the file.
func (s *Service) errorAt(path []string, format string, args ...any) error {
	return &Error{File: s.file, Line: s.line(path), Path: strings.Join(path, "."), Message: fmt.Sprintf(format, args...)}
}

// note keeps a note about the value at a path of the file.
func (s *Service) note(path []string, format string, args ...any) {
	s.Notes = append(s.Notes, Note{File: s.file, Line: s.line(path), Path: strings.Join(path, "."), Message: fmt.Sprintf(format, args...)})
}

func (s *Service) line(path []string) int {
	if s.doc == nil {
		return 0
	}
	return s.doc.Line(path...)
}

// in returns a path one or more members deeper.
func in(path []string, members ...string) []string {
	return append(path[:len(path):len(path)], members...)
}

package mapping

// A CodeError is what is wrong with a piece of code.
type CodeError struct {
	Type, Message      string
	Line, Column, Span int
}

// A Program is code that is ready to run.
type Program struct{ text string }

// Compile makes code ready.
func Compile(code string) (*Program, []CodeError) { return &Program{code}, nil }

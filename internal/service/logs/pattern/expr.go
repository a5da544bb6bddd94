package pattern

// maxDepth limits how deep parentheses may nest.
const maxDepth = 64

// An expr is a condition on a T: a parsed JSON message, or a field of a line.
type expr[T any] func(T) bool

// parseExpr takes conditions that are joined by && and ||, of which && binds
// stronger, with parentheses. simple takes one condition.
func parseExpr[T any](l *lexer, depth int, simple func(*lexer) (expr[T], error)) (expr[T], error) {
	return parseJoined(l, "||", func() (expr[T], error) {
		return parseJoined(l, "&&", func() (expr[T], error) {
			l.space()
			if !l.take("(") {
				return simple(l)
			}
			if depth == maxDepth {
				return nil, ErrInvalid
			}
			e, err := parseExpr(l, depth+1, simple)
			if err == nil && !l.take(")") {
				err = ErrInvalid
			}
			l.space()
			return e, err
		})
	})
}

// parseJoined takes one or more conditions joined by op.
func parseJoined[T any](l *lexer, op string, next func() (expr[T], error)) (expr[T], error) {
	all := op == "&&"
	var list []expr[T]
	for {
		e, err := next()
		if err != nil {
			return nil, err
		}
		list = append(list, e)
		l.space()
		if !l.take(op) {
			break
		}
	}
	if len(list) == 1 {
		return list[0], nil
	}
	return func(v T) bool {
		for _, e := range list {
			if e(v) != all {
				return !all
			}
		}
		return all
	}, nil
}

package pattern

// refuseTwice is refuse where AWS adds the place two times.
func (p *parser) refuseTwice(format string, args ...any) error {
	return p.refuse("%s", p.refuse(format, args...).Error())
}

// anythingBut reads the value of anything-but.
func (p *parser) anythingBut() (test, error) {
	if p.kind != '{' {
		t, err := p.butValues()
		if err != nil {
			return nil, err
		}
		return t, p.only(tooManyN)
	}
	if err := p.next(); err != nil {
		return nil, err
	}
	if p.kind != tokenKey {
		return nil, p.refuse("Anything-But expression name not found")
	}
	op := p.text
	make := map[string]func(string) test{"equals-ignore-case": fold, "prefix": prefix, "suffix": suffix, "wildcard": nil}
	if err := p.valueAfterKey(); err != nil {
		return nil, err
	}
	if _, known := make[op]; !known || p.dialect.plain {
		return nil, p.refuseUnread("Unsupported anything-but pattern: %s", op)
	}
	t, err := p.butOperator(op, make[op])
	if err != nil {
		return nil, err
	}
	if err := p.only(tooManyN); err != nil {
		return nil, err
	}
	return t, p.only(tooManyN)
}

// elements calls each for the value just read, or for each element if it is an array.
func (p *parser) elements(each func(list bool) error) error {
	switch p.kind {
	case tokenString, tokenNumber:
		return each(false)
	case '[':
	default:
		return p.refuse("Value of anything-but must be an array or single string/number value.")
	}
	for {
		if err := p.next(); err != nil {
			return err
		}
		if p.kind == ']' {
			return nil
		}
		if err := each(true); err != nil {
			return err
		}
	}
}

// butValues reads strings, or numbers.
func (p *parser) butValues() (test, error) {
	var tests []test
	kinds := map[byte]bool{}
	err := p.elements(func(list bool) error {
		kinds[p.kind] = true
		switch p.kind {
		case tokenString:
			want := p.text
			tests = append(tests, str(func(s string) bool { return s == want }))
		case tokenNumber:
			if _, ok := parseNumber(p.text); !ok {
				return p.refuse("Cannot compare number : %s", p.text)
			}
			tests = append(tests, number(p.text))
		default:
			return p.refuseTwice("Inside anything but list, start|null|boolean is not supported.")
		}
		return nil
	})
	if err == nil && len(kinds) != 1 {
		err = p.refuse("Inside anything but list, either all values are number or string, mixed type is not supported")
	}
	return but(tests), err
}

// butOperator reads the strings of op within anything-but.
func (p *parser) butOperator(op string, make func(string) test) (test, error) {
	var tests []test
	err := p.elements(func(list bool) error {
		refuse := p.refuse
		if list {
			refuse = p.refuseTwice
		}
		switch {
		case p.kind != tokenString && op == "equals-ignore-case":
			return refuse("Inside anything-but/equals-ignore-case list, number|start|null|boolean is not supported.")
		case p.kind != tokenString && op == "wildcard":
			return refuse("wildcard match pattern must be a string")
		case p.kind != tokenString:
			return refuse("prefix/suffix match pattern must be a string")
		case op == "wildcard":
			g, err := p.glob()
			if err != nil {
				return err
			}
			tests = append(tests, str(g.match))
			return nil
		case p.text == "" && op != "equals-ignore-case":
			return refuse("Null prefix/suffix not allowed")
		}
		tests = append(tests, make(p.text))
		return nil
	})
	return but(tests), err
}

package fault

// Problems are what is wrong with the body of a request, all of it. The zero value is
// nothing wrong.
type Problems []Field

// Note adds what is wrong with a field, in words that follow its name; "" is nothing.
func (p *Problems) Note(name, problem string) {
	if problem != "" {
		*p = append(*p, Field{Name: "body." + name, Problem: problem})
	}
}

// Err is the fault that tells of all of them, nil of none.
func (p Problems) Err() error {
	if len(p) == 0 {
		return nil
	}
	return &Error{Code: Invalid, Detail: "the input is not valid; see errors", Fields: p}
}

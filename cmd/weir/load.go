package main

import (
	"encoding"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/url"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/caarlos0/env/v11"
)

var errLevel = errors.New("want debug, info, warn or error")

// Settings are the configuration together with where its values came from.
type Settings struct {
	Config
	providers []providerSettings // in the order of WEIR_OIDC_PROVIDERS
	table     []setting
}

// setting is one row of `weir config`.
type setting struct {
	name, def, unit, help string
	secret                string
	network               string        // of a listener: "udp", "both", else TCP
	field                 string        // the field's name, unique in Config
	value                 reflect.Value // the field itself
	text                  string        // the value in force as it was written
	set                   bool          // by the environment or weir.env
	bad                   bool          // text cannot be read: the field has the default
}

// loadConfig reads the settings from environ (NAME=VALUE) and, for what is not
// there, from the lines of weir.env. The error names every setting that is wrong.
func loadConfig(environ []string, envFile string) (*Settings, error) {
	s, wrong := readSettings(environ, envFile)
	if len(wrong) > 0 {
		return nil, wrong
	}
	return s, nil
}

// wrongSettings are one error for each setting that cannot be used.
type wrongSettings []error

func (w wrongSettings) Error() string { return errors.Join(w...).Error() }

// readSettings is loadConfig for those who go on with what is right.
func readSettings(environ []string, envFile string) (*Settings, wrongSettings) {
	s := &Settings{}
	s.table = settingsOf(reflect.ValueOf(&s.Config).Elem())
	var problems wrongSettings
	file, err := readEnvFile(envFile)
	if err != nil {
		problems = append(problems, err)
	}
	given := maps.Clone(file.values)
	if given == nil {
		given = map[string]string{}
	}
	fromProcess := env.ToMap(environ)
	maps.Copy(given, fromProcess)
	place := func(name string) string {
		if _, ok := fromProcess[name]; ok {
			return ""
		}
		return fmt.Sprintf("%s:%d: ", envFile, file.lines[name])
	}
	s.addProviders(given)
	problems = append(problems, s.unknown(given, place)...)
	for i := range s.table {
		row := &s.table[i]
		row.text, row.set = given[row.name]
		if !row.set {
			row.text = row.def
		}
	}
	if malformed := s.parse(given); len(malformed) > 0 {
		problems = append(problems, malformed...)
		for _, row := range s.table {
			if row.bad {
				delete(given, row.name)
			}
		}
		s.parse(given) // the defaults in their place, for the sake of the other checks
	}
	return s, append(problems, s.check()...)
}

// settingsOf lists the settings below a struct, in order.
func settingsOf(v reflect.Value) []setting {
	var out []setting
	for f, field := range v.Fields() {
		tag := f.Tag
		name, ok := tag.Lookup("env")
		if !ok {
			out = append(out, settingsOf(field)...)
			continue
		}
		out = append(out, setting{name: name, def: tag.Get("envDefault"), unit: tag.Get("unit"), help: tag.Get("help"),
			secret: tag.Get("secret"), network: tag.Get("network"), field: f.Name, value: field})
	}
	return out
}

// parse fills the fields and says which values cannot be read.
func (s *Settings) parse(given map[string]string) []error {
	err := env.ParseWithOptions(&s.Config, env.Options{Environment: given, FuncMap: map[reflect.Type]env.ParserFunc{
		reflect.TypeFor[time.Duration](): func(v string) (any, error) { return parseDuration(v) },
		reflect.TypeFor[int]():           func(v string) (any, error) { return parseCount(v) },
		reflect.TypeFor[bool]():          func(v string) (any, error) { return parseBool(v) },
	}})
	var problems []error
	var all env.AggregateError
	if errors.As(err, &all) {
		for _, e := range all.Errors {
			problems = append(problems, s.explain(e))
		}
	} else if err != nil {
		problems = append(problems, err)
	}
	// Set but empty is a value, which the library takes for the default.
	for i := range s.table {
		row := &s.table[i]
		if text, set := given[row.name]; set && text == "" {
			if err := setEmpty(row.value); err != nil {
				row.bad = true
				problems = append(problems, fmt.Errorf("%s is set but empty: %w", row.name, err))
			}
		}
	}
	return problems
}

// explain turns the library's error into one that names the setting.
func (s *Settings) explain(e error) error {
	var pe env.ParseError
	if errors.As(e, &pe) {
		for i := range s.table {
			row := &s.table[i]
			if row.field != pe.Name {
				continue
			}
			row.bad = true
			if _, ok := row.value.Interface().(slog.Level); ok {
				pe.Err = errLevel
			}
			return fmt.Errorf("%s=%s: %w", row.name, row.shown(), pe.Err)
		}
	}
	return e
}

// setEmpty gives a field the value that is written as nothing, if there is one.
func setEmpty(v reflect.Value) error {
	switch p := v.Addr().Interface().(type) {
	case *slog.Level:
		return errLevel
	case encoding.TextUnmarshaler:
		return p.UnmarshalText(nil)
	case *string:
		*p = ""
		return nil
	case *time.Duration:
		return errors.New("want a duration such as 10s")
	}
	return errors.New("give it a value, or unset it for the default")
}

func parseDuration(v string) (time.Duration, error) {
	d, err := time.ParseDuration(v)
	if err != nil || d < 0 {
		return 0, errors.New("want a duration such as 200ms, 10s or 1h30m")
	}
	return d, nil
}

func parseCount(v string) (int, error) {
	var n int
	if _, err := fmt.Sscanf(v, "%d", &n); err != nil || fmt.Sprint(n) != v || n < 1 {
		return 0, errors.New("want a whole number above 0")
	}
	return n, nil
}

func parseBool(v string) (bool, error) {
	switch strings.ToLower(v) {
	case "true", "1", "yes", "on":
		return true, nil
	case "false", "0", "no", "off":
		return false, nil
	}
	return false, errors.New("want true or false")
}

// shown is the value in force as people may see it.
func (r *setting) shown() string {
	if r.text == "" || r.secret == "" {
		return r.text
	}
	if r.secret == "url" {
		if u, err := url.Parse(r.text); err == nil && u.Host != "" {
			return u.Scheme + "://" + u.Host + "/****"
		}
	}
	return "****"
}

// unknown looks for WEIR_ names that are no settings: a typing error would else
// go unnoticed. What tests and Kubernetes set is left alone. place says where a
// name was set.
func (s *Settings) unknown(given map[string]string, place func(name string) string) []error {
	var names []string
	for _, row := range s.table {
		names = append(names, row.name)
	}
	var problems []error
	for _, name := range slices.Sorted(maps.Keys(given)) {
		if !strings.HasPrefix(name, "WEIR_") || slices.Contains(names, name) || notOurs(name, given[name]) {
			continue
		}
		hint := ""
		if strings.HasPrefix(name, "WEIR_OIDC_") {
			hint = " (a provider has to be named in " + providersSetting + ")"
		}
		problems = append(problems, fmt.Errorf("%sthere is no setting %s; the nearest is %s%s", place(name), name, nearest(name, names), hint))
	}
	return problems
}

// notOurs says whether a variable is a test's, or what Kubernetes makes of a
// service called weir.
func notOurs(name, value string) bool {
	for _, prefix := range []string{"WEIR_TEST_", "WEIR_PORT_", "WEIR_SERVICE_"} {
		if strings.HasPrefix(name, prefix) {
			return true
		}
	}
	return name == "WEIR_PORT" && strings.Contains(value, "://")
}

// nearest is the candidate with the fewest letters to change.
func nearest(name string, candidates []string) string {
	best, bestDistance := "", -1
	for _, c := range candidates {
		if d := editDistance(name, c); bestDistance < 0 || d < bestDistance {
			best, bestDistance = c, d
		}
	}
	return best
}

// isNear says whether a name may be a slip of the other.
func isNear(name, other string) bool {
	d := editDistance(name, other)
	return d <= 2 && d < len(name)
}

// editDistance counts the letters to insert, delete or replace to get from a to b.
func editDistance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := 1
			if a[i] == b[j] {
				cost = 0
			}
			diagonal, row[j+1] = row[j+1], min(row[j+1]+1, row[j]+1, diagonal+cost)
		}
	}
	return row[len(b)]
}

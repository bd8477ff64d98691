package httpd

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// ErrClash is the error of Merge when two services claim the same.
var ErrClash = errors.New("two services describe the same")

// Description is one OpenAPI document.
type Description struct {
	Service string // whose it is, such as "user"; made part of a name that is taken
	Text    []byte // YAML or JSON
}

// Merge puts the paths and components of several OpenAPI 3.1 documents into base,
// whose title, servers and so on stay. A component whose name is taken by another
// one is renamed, with the service before it (user's Page becomes UserPage); equal
// ones are one. A method of a path, or an operationId, that is there twice is
// ErrClash. It returns the same document as YAML and as JSON.
func Merge(base Description, parts ...Description) (asYAML, asJSON []byte, err error) {
	all, err := parseDescription(base)
	if err != nil {
		return nil, nil, err
	}
	m := merger{all: all, operations: map[string]string{}}
	if err := m.claim(base.Service, child(all, "paths")); err != nil {
		return nil, nil, err
	}
	for _, p := range parts {
		doc, err := parseDescription(p)
		if err != nil {
			return nil, nil, err
		}
		if err := m.add(p.Service, doc); err != nil {
			return nil, nil, err
		}
	}
	if asYAML, err = yaml.Marshal(all); err != nil {
		return nil, nil, fmt.Errorf("description as YAML: %w", err)
	}
	if asJSON, err = json.Marshal(all); err != nil {
		return nil, nil, fmt.Errorf("description as JSON: %w", err)
	}
	return asYAML, asJSON, nil
}

type object = map[string]any

// merger puts documents into one.
type merger struct {
	all        object
	operations map[string]string // operationId -> service
}

func parseDescription(d Description) (object, error) {
	var v any
	if err := yaml.Unmarshal(d.Text, &v); err != nil {
		return nil, fmt.Errorf("description of %s: %w", d.Service, err)
	}
	doc, ok := plain(v).(object)
	if !ok {
		return nil, fmt.Errorf("description of %s: not an object", d.Service)
	}
	return doc, nil
}

func (m *merger) add(service string, doc object) error {
	if err := m.addComponents(service, doc); err != nil {
		return err
	}
	paths := child(doc, "paths")
	if err := m.claim(service, paths); err != nil {
		return err
	}
	target := child(m.all, "paths")
	for path, item := range paths {
		methods, ok := item.(object)
		if !ok {
			return fmt.Errorf("description of %s: path %s: not an object", service, path)
		}
		there := child(target, path)
		for method, operation := range methods {
			if _, taken := there[method]; taken {
				return fmt.Errorf("%w: %s %s, of %s", ErrClash, strings.ToUpper(method), path, service)
			}
			there[method] = operation
		}
	}
	m.addTags(doc)
	return nil
}

// addComponents renames what clashes in doc before anything is taken from it.
func (m *merger) addComponents(service string, doc object) error {
	components, target := child(doc, "components"), child(m.all, "components")
	for section, v := range components {
		if _, ok := v.(object); !ok {
			return fmt.Errorf("description of %s: components/%s: not an object", service, section)
		}
	}
	for {
		section, name := clash(components, target)
		if name == "" {
			break
		}
		// A new name changes what refers to it, which may clash in turn.
		if err := rename(service, doc, section, name); err != nil {
			return err
		}
	}
	for section := range components {
		maps.Copy(child(target, section), child(components, section))
	}
	return nil
}

// clash finds the first component that is there under its name and differs.
func clash(components, target object) (section, name string) {
	for _, section := range slices.Sorted(maps.Keys(components)) {
		there := child(target, section)
		mine := child(components, section)
		for _, name := range slices.Sorted(maps.Keys(mine)) {
			if old, taken := there[name]; taken && !reflect.DeepEqual(old, mine[name]) {
				return section, name
			}
		}
	}
	return "", ""
}

// rename gives a component its service's name in front.
func rename(service string, doc object, section, name string) error {
	mine := child(child(doc, "components"), section)
	to := title(service) + title(name)
	if _, taken := mine[to]; taken || section == "securitySchemes" || strings.HasPrefix(name, title(service)) {
		return fmt.Errorf("%w: components/%s/%s, of %s", ErrClash, section, name, service)
	}
	mine[to] = mine[name]
	delete(mine, name)
	prefix := "#/components/" + section + "/"
	redirect(doc, prefix+name, prefix+to)
	return nil
}

// claim notes the operationIds of a service.
func (m *merger) claim(service string, paths object) error {
	for _, item := range paths {
		methods, _ := item.(object)
		for _, operation := range methods {
			o, _ := operation.(object)
			id, _ := o["operationId"].(string)
			if id == "" {
				continue
			}
			if other, taken := m.operations[id]; taken {
				return fmt.Errorf("%w: operation %s, of %s and %s", ErrClash, id, other, service)
			}
			m.operations[id] = service
		}
	}
	return nil
}

func (m *merger) addTags(doc object) {
	tags, _ := doc["tags"].([]any)
	there, _ := m.all["tags"].([]any)
	for _, tag := range tags {
		if !slices.ContainsFunc(there, func(t any) bool { return reflect.DeepEqual(t, tag) }) {
			there = append(there, tag)
		}
	}
	if len(there) > 0 {
		m.all["tags"] = there
	}
}

// redirect makes every reference to from one to to.
func redirect(v any, from, to string) {
	switch v := v.(type) {
	case object:
		for k, e := range v {
			if e == from {
				v[k] = to
				continue
			}
			redirect(e, from, to)
		}
	case []any:
		for _, e := range v {
			redirect(e, from, to)
		}
	}
}

// child is the object under a key, made when it is not there.
func child(o object, key string) object {
	if c, ok := o[key].(object); ok {
		return c
	}
	c := object{}
	o[key] = c
	return c
}

// plain gives all maps keys of text: YAML may have the 200 of a response as a
// number.
func plain(v any) any {
	switch v := v.(type) {
	case object:
		for k, e := range v {
			v[k] = plain(e)
		}
		return v
	case map[any]any:
		o := make(object, len(v))
		for k, e := range v {
			o[fmt.Sprint(k)] = plain(e)
		}
		return o
	case []any:
		for i, e := range v {
			v[i] = plain(e)
		}
	}
	return v
}

func title(s string) string {
	if s == "" {
		return s
	}
	return strings.ToUpper(s[:1]) + s[1:]
}

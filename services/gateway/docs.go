package gateway

import (
	"bytes"
	_ "embed"
	"fmt"
	"html/template"
	"maps"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

//go:embed docs.html
var docsTemplate string

// openAPIDoc is as much of OpenAPI 3.1 as the readable page shows.
type openAPIDoc struct {
	Info struct {
		Title, Version, Summary, Description string
	}
	Paths      map[string]map[string]operation
	Components struct {
		Schemas map[string]schema
	}
}

type operation struct {
	Summary, Description string
	Parameters           []parameter
	RequestBody          struct {
		Content map[string]struct{ Schema schema }
	} `yaml:"requestBody"`
	Responses map[string]response
	Security  []map[string][]string
}

type parameter struct {
	Name, In    string
	Description string
	Required    bool
	Schema      schema
}

type response struct {
	Ref         string `yaml:"$ref"`
	Description string
	Content     map[string]struct{ Schema schema }
}

type schema struct {
	Ref         string `yaml:"$ref"`
	Type        string
	Format      string
	Pattern     string
	Description string
	Required    []string
	Properties  map[string]schema
	Items       *schema
}

// UnmarshalYAML takes of a type that may also be null the other one.
func (s *schema) UnmarshalYAML(n *yaml.Node) error {
	for i := 0; i+1 < len(n.Content); i += 2 {
		types := n.Content[i+1]
		if n.Content[i].Value != "type" || types.Kind != yaml.SequenceNode {
			continue
		}
		for _, t := range types.Content {
			if t.Value != "null" {
				n.Content[i+1] = t
				break
			}
		}
	}
	type plain schema
	return n.Decode((*plain)(s))
}

// renderDocs makes the page of /api/docs out of the OpenAPI text.
func renderDocs(text []byte) ([]byte, error) {
	var doc openAPIDoc
	if err := yaml.Unmarshal(text, &doc); err != nil {
		return nil, err
	}
	funcs := template.FuncMap{"upper": strings.ToUpper, "kind": kind, "name": refName}
	page, err := template.New("docs").Funcs(funcs).Parse(docsTemplate)
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	err = page.Execute(&out, struct {
		openAPIDoc
		Names []string // of the schemas, sorted
	}{doc, slices.Sorted(maps.Keys(doc.Components.Schemas))})
	if err != nil {
		return nil, fmt.Errorf("page: %w", err)
	}
	return out.Bytes(), nil
}

// kind says in a word or two what a value is.
func kind(s schema) string {
	switch {
	case s.Ref != "":
		return refName(s.Ref)
	case s.Type == "array" && s.Items != nil:
		return "list of " + kind(*s.Items)
	case s.Format != "":
		return s.Format
	default:
		return s.Type
	}
}

func refName(ref string) string { return ref[strings.LastIndexByte(ref, '/')+1:] }

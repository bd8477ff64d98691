package main

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"regexp"
	"strings"
)

// envFileName is looked for in the working folder.
const envFileName = "weir.env"

const maxEnvFile = 1 << 20

var envName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

// envFile is what a file of settings says, and on which line, by name.
type envFile struct {
	values map[string]string
	lines  map[string]int
}

// readEnvFile reads the settings of a file; that it is not there is no error.
func readEnvFile(path string) (envFile, error) {
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) || path == "" {
		return envFile{}, nil
	}
	if err != nil {
		return envFile{}, fmt.Errorf("settings: %w", err)
	}
	file, err := parseEnvFile(text)
	if err != nil {
		return envFile{}, fmt.Errorf("%s: %w", path, err)
	}
	return file, nil
}

// parseEnvFile reads lines of NAME=VALUE. Lines that are empty or begin with #
// are left out; so is "export " before a name, and, in a value without quotes,
// everything from a # that follows a blank. A value in single quotes is taken as
// it is; in double quotes \n, \t, \" and \\ are understood. Only WEIR_ names may be
// set here: others would reach nobody.
func parseEnvFile(text []byte) (envFile, error) {
	file := envFile{values: map[string]string{}, lines: map[string]int{}}
	if len(text) > maxEnvFile {
		return envFile{}, errors.New("is larger than 1 MiB")
	}
	number := 0
	for line := range bytes.Lines(bytes.TrimPrefix(text, []byte("\ufeff"))) {
		number++
		name, value, err := parseEnvLine(strings.TrimSpace(string(line)))
		if err != nil {
			return envFile{}, fmt.Errorf("line %d: %w", number, err)
		}
		if name == "" {
			continue
		}
		if _, twice := file.values[name]; twice {
			return envFile{}, fmt.Errorf("line %d: %s is there twice", number, name)
		}
		file.values[name], file.lines[name] = value, number
	}
	return file, nil
}

func parseEnvLine(line string) (name, value string, err error) {
	if line == "" || line[0] == '#' {
		return "", "", nil
	}
	name, value, ok := strings.Cut(strings.TrimPrefix(line, "export "), "=")
	name, value = strings.TrimSpace(name), strings.TrimSpace(value)
	if !ok || !envName.MatchString(name) {
		return "", "", errors.New("want NAME=VALUE")
	}
	if !strings.HasPrefix(name, "WEIR_") {
		return "", "", fmt.Errorf("%s is not a setting of weir; only WEIR_ names belong here", name)
	}
	value, err = unquote(value)
	return name, value, err
}

// unquote takes the quotes or the comment off a value.
func unquote(value string) (string, error) {
	if value == "" || value[0] != '"' && value[0] != '\'' {
		for i := range len(value) {
			if value[i] == '#' && (i == 0 || value[i-1] == ' ' || value[i-1] == '\t') {
				return strings.TrimSpace(value[:i]), nil
			}
		}
		return value, nil
	}
	quote := value[0]
	var out strings.Builder
	for i := 1; i < len(value); i++ {
		switch c := value[i]; {
		case c == quote:
			if rest := strings.TrimSpace(value[i+1:]); rest != "" && rest[0] != '#' {
				return "", errors.New("there is something after the closing quote")
			}
			return out.String(), nil
		case c == '\\' && quote == '"' && i+1 < len(value):
			i++
			switch value[i] {
			case 'n':
				out.WriteByte('\n')
			case 't':
				out.WriteByte('\t')
			default:
				out.WriteByte(value[i])
			}
		default:
			out.WriteByte(c)
		}
	}
	return "", errors.New("the closing quote is missing")
}

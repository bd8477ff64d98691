package archive

import (
	"fmt"
	"strconv"
	"strings"

	"weir/media"
)

// Names of objects, below the folder of a recording.
const (
	folder     = "recordings/"
	metaName   = "stream.json"
	indexName  = "index.json"
	metaBegin  = "stream-"
	metaEnd    = ".json"
	segmentEnd = ".m4s"
)

// ValidID says whether id can name a recording: 1 to 64 of a-z, 0-9 and "-", such
// as a UUID. It comes from URLs.
func ValidID(id string) bool { return len(id) <= 64 && validName(id) && !strings.Contains(id, "_") }

// validName says whether a rendition's name can be a part of keys, paths and URLs.
func validName(name string) bool {
	if name == "" || len(name) > 64 || name[0] == '-' || name[0] == '_' {
		return false
	}
	for i := range len(name) {
		c := name[i]
		if (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-' && c != '_' {
			return false
		}
	}
	return true
}

// Key is the key of a file of a recording.
func Key(id, file string) string { return folder + id + "/" + file }

// metaFile is the file of the store that describes what one process made of a recording:
// stream.json, and another one for each that went on with it. So none writes over another's.
func (x *Index) metaFile() string {
	if x.By == "" {
		return metaName
	}
	return metaBegin + x.By + metaEnd
}

// isMeta says whether a file is a metaFile.
func isMeta(file string) bool {
	by, ok := strings.CutPrefix(file, metaBegin)
	if ok {
		by, ok = strings.CutSuffix(by, metaEnd)
	}
	return file == metaName || ok && ValidID(by)
}

// InitFile is the file of a rendition's initialisation segment.
func InitFile(rendition string, i int) string {
	return rendition + "/init" + strconv.Itoa(i) + ".mp4"
}

// SegmentFile is the file of a segment. Its name tells everything that manifests
// need: MSN, start and duration in ticks of media.Time, the index of the
// initialisation segment and flags, of which there is at least one letter. MSNs have
// ten digits, so that keys are ordered as segments are.
func SegmentFile(rendition string, s Segment) string {
	return fmt.Sprintf("%s/%010d-%d-%d-%d-%s%s", rendition, s.MSN, s.Start, s.Duration, s.Init, s.Flags, segmentEnd)
}

// ParseSegment reads the last part of a SegmentFile; the size is not in it.
func ParseSegment(name string) (s Segment, ok bool) {
	name, ok = strings.CutSuffix(name, segmentEnd)
	fields := strings.Split(name, "-")
	if !ok || len(fields) != 5 || len(fields[0]) < 10 {
		return s, false
	}
	var n [4]int64
	for i := range n {
		v, err := strconv.ParseInt(fields[i], 10, 63)
		if err != nil || v < 0 {
			return s, false
		}
		n[i] = v
	}
	flags, ok := parseFlags(fields[4])
	if !ok || n[3] >= maxInits {
		return s, false
	}
	return Segment{MSN: uint64(n[0]), Start: media.Time(n[1]), Duration: media.Time(n[2]), Init: int(n[3]), Flags: flags}, true
}

// parseInit reads the last part of an InitFile.
func parseInit(name string) (i int, ok bool) {
	text, ok := strings.CutPrefix(name, "init")
	if !ok {
		return 0, false
	}
	if text, ok = strings.CutSuffix(text, ".mp4"); !ok {
		return 0, false
	}
	i, err := strconv.Atoi(text)
	return i, err == nil && i >= 0 && i < maxInits
}

// maxInits bounds the initialisation segments of a rendition: each takes a change of
// the publisher's parameters.
const maxInits = 4096

// Flags say what is special about a segment.
type Flags uint8

// The flags.
const (
	Independent   Flags = 1 << iota // begins with a key frame
	Discontinuity                   // time or coding begin anew
	Mini                            // one part long, before the second key frame of a session
)

const flagLetters = "kdm"

// String gives the letters of names and indices; "n" for none.
func (f Flags) String() string {
	var b []byte
	for i := range len(flagLetters) {
		if f&(1<<i) != 0 {
			b = append(b, flagLetters[i])
		}
	}
	if b == nil {
		return "n"
	}
	return string(b)
}

func parseFlags(text string) (f Flags, ok bool) {
	if text == "n" {
		return 0, true
	}
	for i := range len(text) {
		n := strings.IndexByte(flagLetters, text[i])
		if n < 0 {
			return 0, false
		}
		f |= 1 << n
	}
	return f, f.String() == text
}

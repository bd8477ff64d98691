package rtmp

import (
	"encoding/binary"
	"fmt"
	"math"
	"time"
)

// AMF0 type markers (AMF0 2.1).
const (
	amfNumber = iota
	amfBoolean
	amfString
	amfObject
	amfMovieClip
	amfNull
	amfUndefined
	amfReference
	amfECMAArray
	amfObjectEnd
	amfStrictArray
	amfDate
	amfLongString
	amfUnsupported
	amfRecordSet
	amfXMLDocument
	amfTypedObject
	amfAMF3
)

// Values of AMF0 are nil, bool, float64, string, time.Time, Undefined, Object,
// Array or []any (a strict array).

// Undefined is the AMF0 value of that name.
type Undefined struct{}

// Property is one entry of an Object or Array.
type Property struct {
	Name  string
	Value any
}

// Object is an AMF0 object, typed or not, in the order of the wire.
type Object []Property

// Array is an AMF0 ECMA array: on the wire other than an object, to its reader
// the same.
type Array []Property

// Properties gives the entries of v when it is an Object or Array, else nil.
func Properties(v any) Object {
	switch v := v.(type) {
	case Object:
		return v
	case Array:
		return Object(v)
	}
	return nil
}

// Get is the value of the first entry with that name, nil when there is none.
func (o Object) Get(name string) any {
	for _, p := range o {
		if p.Name == name {
			return p.Value
		}
	}
	return nil
}

// Number is the value of an entry if that is a number.
func (o Object) Number(name string) (float64, bool) {
	f, ok := o.Get(name).(float64)
	return f, ok
}

// Text is the value of an entry if that is a string, else "".
func (o Object) Text(name string) string {
	s, _ := o.Get(name).(string)
	return s
}

// DecodeAMF0 reads the values of a command or data message. A value that is
// written in AMF3 ends the list, as do bytes cut off at the end of an object; it
// returns what came before. Otherwise errors wrap ErrProtocol or ErrLimit.
func DecodeAMF0(b []byte, l Limits) ([]any, error) {
	l = l.withDefaults()
	d := amfDecoder{b: b, entries: l.AMFEntries, depth: l.AMFDepth}
	var values []any
	for len(d.b) > 0 && d.b[0] != amfAMF3 {
		v, err := d.value(0)
		if err != nil {
			return values, err
		}
		values = append(values, v)
	}
	return values, nil
}

type amfDecoder struct {
	b       []byte
	entries int   // values that may still come
	depth   int   // nesting that is allowed
	refs    []any // complex values, in the order in which they began
}

func (d *amfDecoder) take(n int) ([]byte, error) {
	if n > len(d.b) {
		return nil, fmt.Errorf("%w: AMF0 value is cut off", ErrProtocol)
	}
	b := d.b[:n]
	d.b = d.b[n:]
	return b, nil
}

func (d *amfDecoder) value(depth int) (any, error) {
	if d.entries--; d.entries < 0 {
		return nil, fmt.Errorf("%w: too many AMF0 values", ErrLimit)
	}
	m, err := d.take(1)
	if err != nil {
		return nil, err
	}
	switch m[0] {
	case amfNumber:
		b, err := d.take(8)
		if err != nil {
			return nil, err
		}
		return math.Float64frombits(binary.BigEndian.Uint64(b)), nil
	case amfBoolean:
		b, err := d.take(1)
		if err != nil {
			return nil, err
		}
		return b[0] != 0, nil
	case amfString:
		return d.text(2)
	case amfLongString, amfXMLDocument:
		return d.text(4)
	case amfNull:
		return nil, nil
	case amfUndefined, amfUnsupported:
		return Undefined{}, nil
	case amfDate:
		return d.date()
	case amfReference:
		return d.reference()
	}
	return d.complex(m[0], depth+1)
}

// complex reads the values that hold other values and that references point to.
func (d *amfDecoder) complex(marker byte, depth int) (any, error) {
	if depth > d.depth {
		return nil, fmt.Errorf("%w: AMF0 nesting is too deep", ErrLimit)
	}
	at := len(d.refs)
	d.refs = append(d.refs, Undefined{})
	var v any
	var err error
	switch marker {
	case amfObject:
		v, err = d.object(depth)
	case amfTypedObject:
		if _, err = d.text(2); err == nil {
			v, err = d.object(depth)
		}
	case amfECMAArray: // its count is a hint only (AMF0 2.10)
		if _, err = d.take(4); err == nil {
			var o Object
			o, err = d.object(depth)
			v = Array(o)
		}
	case amfStrictArray:
		v, err = d.strictArray(depth)
	default:
		err = fmt.Errorf("%w: AMF0 marker %d", ErrProtocol, marker)
	}
	if err != nil {
		return nil, err
	}
	d.refs[at] = v
	return v, nil
}

// object reads entries up to the end marker. Encoders that cut the marker off
// are forgiven.
func (d *amfDecoder) object(depth int) (Object, error) {
	var o Object
	for len(d.b) > 0 {
		if len(d.b) >= 3 && d.b[0] == 0 && d.b[1] == 0 && d.b[2] == amfObjectEnd {
			d.b = d.b[3:]
			break
		}
		name, err := d.text(2)
		if err != nil {
			return nil, err
		}
		v, err := d.value(depth)
		if err != nil {
			return nil, err
		}
		o = append(o, Property{name, v})
	}
	return o, nil
}

// strictArray reads AMF0 2.12. Its count is believed only as far as there are
// bytes for it.
func (d *amfDecoder) strictArray(depth int) ([]any, error) {
	b, err := d.take(4)
	if err != nil {
		return nil, err
	}
	n := binary.BigEndian.Uint32(b)
	if int64(n) > int64(d.entries) {
		return nil, fmt.Errorf("%w: AMF0 array of %d", ErrLimit, n)
	}
	var list []any
	for range n {
		v, err := d.value(depth)
		if err != nil {
			return nil, err
		}
		list = append(list, v)
	}
	return list, nil
}

// text reads a string behind a length of size bytes.
func (d *amfDecoder) text(size int) (string, error) {
	b, err := d.take(size)
	if err != nil {
		return "", err
	}
	n := int64(binary.BigEndian.Uint16(b[size-2:]))
	if size == 4 {
		n = int64(binary.BigEndian.Uint32(b))
	}
	if n > int64(len(d.b)) {
		return "", fmt.Errorf("%w: AMF0 string is cut off", ErrProtocol)
	}
	s, err := d.take(int(n))
	return string(s), err
}

// date reads AMF0 2.13; the time zone is reserved and not used.
func (d *amfDecoder) date() (any, error) {
	b, err := d.take(10)
	if err != nil {
		return nil, err
	}
	ms := math.Float64frombits(binary.BigEndian.Uint64(b))
	if !(math.Abs(ms) < 1<<53) {
		return Undefined{}, nil
	}
	return time.UnixMilli(int64(ms)).UTC(), nil
}

// reference gives a value that was read before; one to a value that is not whole
// yet, or to none, is undefined.
func (d *amfDecoder) reference() (any, error) {
	b, err := d.take(2)
	if err != nil {
		return nil, err
	}
	if i := int(binary.BigEndian.Uint16(b)); i < len(d.refs) {
		return d.refs[i], nil
	}
	return Undefined{}, nil
}

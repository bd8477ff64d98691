package user

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/google/uuid"

	"weir/services/auth"
	"weir/services/backing/blob"
	"weir/services/backing/db"
	"weir/services/fault"
	"weir/services/httpd"
)

// PictureKind says which picture of a profile.
type PictureKind string

// The pictures of a profile.
const (
	Avatar PictureKind = "avatar" // square
	Banner PictureKind = "banner" // four times as wide as high
)

// PictureMax is the most bytes of an upload. The HTTP server and the gateway in front of
// it have to let bodies of that size pass.
const PictureMax = 5 << 20

const (
	// objectGrace is how long an object may be there before what refers to it is. It is
	// far longer than a request, and than one try of an export.
	objectGrace = time.Hour
	// nameBytes of a SHA-256 are the name of a picture.
	nameBytes = 16
	// storedMax bounds what is read back of one picture.
	storedMax = 4 << 20
)

// pictureRate is how often an account may upload.
func pictureRate() Rate { return Rate{30, time.Hour} }

// size is one form in which a picture is kept.
type size struct {
	suffix        string // of its file's name
	width, height int    // at most
}

// sizes begin with the largest, of which the others are made.
func (k PictureKind) sizes() []size {
	if k == Banner {
		return []size{{"", 1600, 400}}
	}
	return []size{{"", 512, 512}, {"-128", 128, 128}}
}

// keys are those of all forms of a picture.
func (k PictureKind) keys(user uuid.UUID, name string) []string {
	if name == "" {
		return nil
	}
	var keys []string
	for _, z := range k.sizes() {
		keys = append(keys, k.key(user, name+z.suffix))
	}
	return keys
}

func (k PictureKind) key(user uuid.UUID, file string) string {
	return "users/" + user.String() + "/" + string(k) + "/" + file + ".jpg"
}

// url is where a picture is served; empty for none.
func (k PictureKind) url(user uuid.UUID, name, suffix string) string {
	if name == "" {
		return ""
	}
	return httpd.DefaultPublic + "/users/" + user.String() + "/" + string(k) + "/" + name + suffix + ".jpg"
}

// name is what an account's picture is called; empty: it has none.
func (k PictureKind) name(a *Account) string {
	if k == Banner {
		return a.banner
	}
	return a.avatar
}

// SetPicture makes an upload the caller's picture, in place of the one before. It is a
// PNG, a JPEG or the first frame of a GIF, as its own bytes say; what is kept is drawn
// anew, nothing else of the upload is. It blocks on a turn at the decoder, on blob and on
// the database. too_large and invalid: not a picture that is taken.
func (s *Service) SetPicture(ctx context.Context, who auth.Identity, kind PictureKind, upload []byte) (Own, error) {
	if s.blobs == nil {
		return Own{}, noBlobs()
	}
	if err := s.limits.allow(ctx, "picture", who.User.String(), pictureRate()); err != nil {
		return Own{}, err
	}
	id, err := newID()
	if err != nil {
		return Own{}, err
	}
	forms, err := s.pictures.draw(ctx, kind, upload)
	if err != nil {
		return Own{}, err
	}
	name := pictureName(id, forms)
	if err := s.putPicture(ctx, kind.keys(who.User, name), forms); err != nil {
		return Own{}, err
	}
	return s.changePicture(ctx, who, kind, name)
}

// RemovePicture leaves the caller's profile without that picture; that there is none is
// no error.
func (s *Service) RemovePicture(ctx context.Context, who auth.Identity, kind PictureKind) (Own, error) {
	if err := s.limits.allow(ctx, "change", who.User.String(), s.limits.Change); err != nil {
		return Own{}, err
	}
	return s.changePicture(ctx, who, kind, "")
}

// pictureName is made of what is stored and of the upload: the same picture twice has
// two names, so that the removal of the first never takes the second.
func pictureName(upload uuid.UUID, forms [][]byte) string {
	h := sha256.New()
	h.Write(upload[:])
	for _, f := range forms {
		h.Write(f)
	}
	return hex.EncodeToString(h.Sum(nil)[:nameBytes])
}

// putPicture stores the forms; until changePicture they are marked for removal.
func (s *Service) putPicture(ctx context.Context, keys []string, forms [][]byte) error {
	err := s.within(ctx, func(ctx context.Context, st Store) error {
		return st.removeObjects(ctx, s.stamp().Add(objectGrace), keys...)
	})
	if err != nil {
		return err
	}
	for i, key := range keys {
		_, err := s.blobs.Put(ctx, key, bytes.NewReader(forms[i]), blob.PutOptions{ContentType: "image/jpeg", Size: int64(len(forms[i]))})
		if err != nil {
			return blobsAway(err)
		}
	}
	return nil
}

// changePicture makes name the picture, empty for none, and marks the one before for
// removal.
func (s *Service) changePicture(ctx context.Context, who auth.Identity, kind PictureKind, name string) (Own, error) {
	var a *Account
	err := s.within(ctx, func(ctx context.Context, st Store) error {
		var err error
		if a, err = st.heldUser(ctx, who.User); err != nil {
			return err
		}
		old, now := kind.name(a), s.stamp()
		if old == name {
			return nil
		}
		for _, key := range kind.keys(a.ID, name) {
			kept, err := st.keepObject(ctx, key, now)
			if err != nil {
				return err
			}
			if !kept {
				return fault.New(fault.Unavailable, "the upload took too long; try it again")
			}
		}
		if err := st.removeObjects(ctx, now, kind.keys(a.ID, old)...); err != nil {
			return err
		}
		if err := st.setPicture(ctx, a.ID, kind, name, now); err != nil {
			return err
		}
		a.setPicture(kind, name)
		a.Version, a.Updated = a.Version+1, now
		return emit(ctx, st, a.updated())
	})
	if err != nil {
		return Own{}, err
	}
	return a.own(s.now()), nil
}

func (a *Account) setPicture(kind PictureKind, name string) {
	if kind == Banner {
		a.banner = name
		return
	}
	a.avatar = name
}

// Picture is the bytes of a stored picture, a JPEG. file is the end of its URL without
// .jpg. not_found for one that was replaced, soon after it was.
func (s *Service) Picture(ctx context.Context, user uuid.UUID, kind PictureKind, file string) ([]byte, error) {
	if !kind.file(file) {
		return nil, fault.New(fault.NotFound, "there is no such picture")
	}
	if s.blobs == nil {
		return nil, noBlobs()
	}
	r, info, err := s.blobs.Get(ctx, kind.key(user, file), blob.Range{})
	if errors.Is(err, blob.ErrNotFound) {
		return nil, fault.New(fault.NotFound, "there is no such picture")
	}
	if err != nil {
		return nil, blobsAway(err)
	}
	defer r.Close()
	if info.Size < 0 || info.Size > storedMax {
		return nil, fmt.Errorf("user: the picture %s has %d bytes", info.Key, info.Size)
	}
	body := make([]byte, info.Size)
	if _, err := io.ReadFull(r, body); err != nil {
		return nil, blobsAway(err)
	}
	return body, nil
}

// file says whether a picture of that kind can have such a file.
func (k PictureKind) file(file string) bool {
	if k != Avatar && k != Banner {
		return false
	}
	for _, z := range k.sizes() {
		if len(file) == 2*nameBytes+len(z.suffix) && file[2*nameBytes:] == z.suffix {
			return isHex(file[:2*nameBytes])
		}
	}
	return false
}

func isHex(s string) bool {
	for i := range len(s) {
		if c := s[i]; (c < '0' || c > '9') && (c < 'a' || c > 'f') {
			return false
		}
	}
	return true
}

// dropMedia marks all objects of an account for removal and forgets them.
func (s Store) dropMedia(ctx context.Context, a *Account, now time.Time) error {
	for _, kind := range []PictureKind{Avatar, Banner} {
		if err := s.removeObjects(ctx, now, kind.keys(a.ID, kind.name(a))...); err != nil {
			return err
		}
	}
	return s.dropExports(ctx, a.ID, now)
}

// sweep removes the objects whose time has come, a bounded number of them. The row goes
// after the object: a crash between the two repeats the removal.
func (s *Service) sweep(ctx context.Context) error {
	keys, err := s.store().objectsDue(ctx, s.stamp(), 200)
	if err != nil {
		return faultOf(err)
	}
	var failed []error
	for _, key := range keys {
		err := s.blobs.Delete(ctx, key)
		if err == nil || errors.Is(err, blob.ErrNotFound) {
			err = s.within(ctx, func(ctx context.Context, st Store) error { return st.objectRemoved(ctx, key) })
		} else if ctx.Err() == nil { // others get their turn before it is tried again
			err = errors.Join(err, s.within(ctx, func(ctx context.Context, st Store) error {
				return st.removeObjects(ctx, s.stamp().Add(time.Minute), key)
			}))
		}
		if err != nil {
			failed = append(failed, fmt.Errorf("removing %s: %w", key, err))
		}
		if len(failed) >= 3 { // the storage is away
			break
		}
	}
	return errors.Join(failed...)
}

func noBlobs() error {
	return fault.New(fault.Unavailable, "this installation has no storage for files")
}

func blobsAway(err error) error {
	var known *fault.Error
	if errors.As(err, &known) {
		return err
	}
	if errors.Is(err, db.ErrUnavailable) {
		return faultOf(err)
	}
	e := fault.Wrap(fault.Unavailable, "the storage for files is not available; try again in a few seconds", err)
	e.RetryAfter = 5 * time.Second
	return e
}

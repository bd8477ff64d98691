package live

import (
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/google/uuid"

	"weir/services/auth"
	"weir/services/event"
	"weir/services/fault"
	"weir/services/servicetest"
)

func TestChannelDefaultsAndViews(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		anna := servicetest.Person(auth.User)
		v := r.channelOf(t, anna, "anna")
		if v.Inside == nil || !v.Inside.Record || v.Inside.Takeover || v.Visibility != Public || v.Version != 1 || *v.Owner != anna.User {
			t.Errorf("%+v", v)
		}
		seen, err := r.Channel(t.Context(), auth.Identity{}, v.ID)
		ok(t, err)
		if seen.Inside != nil {
			t.Error("nobody sees the inside")
		}
		byName, err := r.ByName(t.Context(), anna, "anna")
		ok(t, err)
		same(t, "by name", byName, v)
		_, err = r.ByName(t.Context(), anna, "bert")
		want(t, err, fault.NotFound)
	})
}

// A name is given once: not to another, not after its channel is deleted, not to the operator.
func TestNameIsNeverGivenAgain(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		anna, bert := servicetest.Person(auth.User), servicetest.Person(auth.User)
		v := r.channelOf(t, anna, "anna")
		_, err := r.CreateChannel(t.Context(), bert, "anna", Changes{})
		want(t, err, fault.Conflict)
		ok(t, r.DeleteChannel(t.Context(), anna, v.ID))
		_, err = r.Channel(t.Context(), anna, v.ID)
		want(t, err, fault.NotFound)
		for _, who := range []auth.Identity{anna, bert, servicetest.Person(auth.Admin)} {
			_, err = r.CreateChannel(t.Context(), who, "anna", Changes{})
			want(t, err, fault.Conflict)
		}
		_, err = r.Ensure(t.Context(), "anna", nil, true)
		want(t, err, fault.Conflict)
		gone := events[event.ChannelDeleted](t, r)
		same(t, "events", gone, []event.ChannelDeleted{{ChannelID: v.ID, Name: "anna"}})
	})
}

func TestDeletedChannelKeepsNothing(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		o := r.owned(t, "anna")
		_, err := r.UpdateChannel(t.Context(), o.owner, o.ID, 0, Changes{Title: ptr("secret plans"), Tags: &[]string{"private"}})
		ok(t, err)
		ok(t, r.DeleteChannel(t.Context(), o.owner, o.ID))
		if left := lines(t, r.db, `SELECT title || description || category || CAST(tags AS TEXT) FROM live_channels`); left != "[]" {
			t.Errorf("%q is left", left)
		}
		_, err = r.Admit(t.Context(), attempt(o.key.Secret))
		refused(t, err, "bad_key")
		if n := lines(t, r.db, `SELECT CAST(COUNT(*) AS TEXT) FROM live_keys WHERE revoked_at IS NULL`); n != "0" {
			t.Errorf("%s keys are left", n)
		}
	})
}

func TestChannelText(t *testing.T) {
	bad := map[string]Changes{
		"title":        {Title: ptr(strings.Repeat("é", TitleMax+1))},
		"description":  {Description: ptr("a\x00b")},
		"category":     {Category: ptr("two\nlines")},
		"tags":         {Tags: ptr([]string{"a b"})},
		"language":     {Language: ptr("not a language")},
		"visibility":   {Visibility: ptr(Visibility("secret"))},
		"scheduled_at": {Scheduled: ptr("tomorrow")},
	}
	for name, x := range bad {
		err := (&Channel{}).apply(x)
		f, is := err.(*fault.Error) //nolint:errorlint // apply makes it
		if !is || f.Code != fault.Invalid || len(f.Fields) != 1 || f.Fields[0].Name != "body."+name {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, text := range []string{"a\u202eb", "a\u2066b", "a\u2028b", "a\x1bb", "a\x7fb", "a\xffb", "a\tb"} {
		if _, problem := checkText(text, 100, true); problem == "" {
			t.Errorf("%q is let through", text)
		}
	}
	if clean, problem := checkText("  a\r\nb 😀 ", 7, true); clean != "a\nb 😀" || problem != "" {
		t.Errorf("%q %q", clean, problem)
	}
	if _, problem := checkTags(make([]string, TagsMax+1)); problem == "" {
		t.Error("too many tags")
	}
	for _, tag := range []string{"", "-a", strings.Repeat("a", TagMax+1), "<b>"} {
		if _, problem := checkTags([]string{tag}); problem == "" {
			t.Errorf("tag %q is let through", tag)
		}
	}
	var c Channel
	ok(t, c.apply(Changes{Title: ptr(strings.Repeat("é", TitleMax)), Tags: &[]string{" Go ", "go", "música"}, Language: ptr("PT-br"), Scheduled: ptr("2026-12-24T19:00:00+01:00")}))
	same(t, "tags", c.Tags, []string{"go", "música"})
	if c.Language != "pt-BR" || c.Scheduled.Format("15:04Z07:00") != "18:00Z" {
		t.Errorf("%+v", c)
	}
	ok(t, c.apply(Changes{Scheduled: ptr(""), Language: ptr("")}))
	if c.Scheduled != nil || c.Language != "" {
		t.Errorf("%+v", c)
	}
	for _, s := range []string{"1999-12-31T23:59:59Z", "9001-01-01T00:00:00Z", "2026-12-24", "2026-12-24T18:00:00"} {
		if _, problem := checkTime(s); problem == "" {
			t.Errorf("%s is let through", s)
		}
	}
}

func TestChannelNames(t *testing.T) {
	for name, valid := range map[string]bool{
		"a": true, "0-_": true, strings.Repeat("a", 63): true, "": false, "-a": false, "_a": false, "A": false, "a.b": false, "a/b": false, "a b": false,
		"é": false, "a\n": false, strings.Repeat("a", 64): false,
	} {
		if ValidName(name) != valid {
			t.Errorf("%q: %v", name, !valid)
		}
	}
}

// What a failed change leaves behind is nothing, also where one of several is good.
func TestChangesAreAllOrNone(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		anna := servicetest.Person(auth.User)
		v := r.channelOf(t, anna, "anna")
		_, err := r.UpdateChannel(t.Context(), anna, v.ID, 0, Changes{Title: ptr("new"), Language: ptr("???")})
		want(t, err, fault.Invalid)
		got, err := r.Channel(t.Context(), anna, v.ID)
		ok(t, err)
		same(t, "channel", got, v)
		x := Changes{
			Title: ptr("t"), Description: ptr("d\nd"), Category: ptr("c"), Tags: &[]string{"x"}, Language: ptr("en"), Mature: ptr(true), Visibility: ptr(Unlisted),
			Record: ptr(false), Takeover: ptr(true), Scheduled: ptr("2027-01-01T00:00:00Z"), Limits: &Limits{1, 2, 3, 4},
		}
		changed, err := r.UpdateChannel(t.Context(), anna, v.ID, v.Version, x)
		ok(t, err)
		got, err = r.Channel(t.Context(), anna, v.ID)
		ok(t, err)
		same(t, "channel", got, changed)
		if got.Version != 2 || got.Description != "d\nd" || !got.Inside.Takeover || got.Inside.Record || got.Inside.Limits != (Limits{1, 2, 3, 4}) || !got.Mature {
			t.Errorf("%+v", got)
		}
	})
}

// Two managers who read the same version: one of them is told to read again.
func TestTwoManagersAtOnce(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		o := r.owned(t, "anna")
		two := []auth.Identity{servicetest.Person(auth.User), servicetest.Person(auth.User)}
		for _, m := range two {
			ok(t, r.SetMember(t.Context(), o.owner, o.ID, m.User, Manager))
		}
		errs := make([]error, 2)
		var all sync.WaitGroup
		for i, m := range two {
			all.Go(func() {
				_, errs[i] = r.UpdateChannel(t.Context(), m, o.ID, o.Version, Changes{Title: ptr(fmt.Sprint(i))})
			})
		}
		all.Wait()
		won := 0
		if errs[0] != nil {
			won = 1
		}
		ok(t, errs[won])
		want(t, errs[1-won], fault.Precondition)
		got, err := r.Channel(t.Context(), o.owner, o.ID)
		ok(t, err)
		if got.Title != fmt.Sprint(won) || got.Version != 2 {
			t.Errorf("%+v", got)
		}
	})
}

func TestChannelsPerOwner(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		anna, chief := servicetest.Person(auth.User), servicetest.Person(auth.Admin)
		for i := range PerOwner - 1 {
			r.channelOf(t, anna, fmt.Sprintf("anna-%d", i))
		}
		errs := make([]error, 4)
		var all sync.WaitGroup
		for i := range errs {
			all.Go(func() { _, errs[i] = r.CreateChannel(t.Context(), anna, fmt.Sprintf("last-%d", i), Changes{}) })
		}
		all.Wait()
		made := 0
		for _, err := range errs {
			if err == nil {
				made++
			} else {
				want(t, err, fault.Conflict)
			}
		}
		if made != 1 {
			t.Errorf("%d channels beyond the last but one", made)
		}
		for i := range PerOwner + 1 {
			r.channelOf(t, chief, fmt.Sprintf("chief-%d", i))
		}
		page, err := r.Mine(t.Context(), anna, "", 100)
		ok(t, err)
		ok(t, r.DeleteChannel(t.Context(), anna, page.Items[0].ID))
		r.channelOf(t, anna, "anna-again")
	})
}

func TestListsOfChannels(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		anna, bert := servicetest.Person(auth.User), servicetest.Person(auth.User)
		var shown []string
		for i := range 5 {
			shown = append(shown, r.channelOf(t, anna, fmt.Sprintf("c%d", i)).Name)
		}
		hidden, err := r.CreateChannel(t.Context(), anna, "hidden", Changes{Visibility: ptr(Unlisted)})
		ok(t, err)
		gone := r.channelOf(t, anna, "gone")
		ok(t, r.DeleteChannel(t.Context(), anna, gone.ID))
		evil := r.channelOf(t, anna, "evil")
		_, err = r.Ban(t.Context(), servicetest.Person(auth.Moderator), evil.ID, "spam")
		ok(t, err)
		var names []string
		for after, more := "", true; more; {
			page, err := r.Channels(t.Context(), after, 2)
			ok(t, err)
			for _, v := range page.Items {
				names = append(names, v.Name)
				if v.Inside != nil {
					t.Error("the inside is in a public list")
				}
			}
			after, more = page.Next, page.Next != ""
		}
		same(t, "names", names, shown)
		r.channelOf(t, bert, "not-hers")
		first, err := r.ChannelsOf(t.Context(), anna.User, "", 3)
		ok(t, err)
		rest, err := r.ChannelsOf(t.Context(), anna.User, first.Next, 3)
		ok(t, err)
		names = nil
		for _, v := range append(first.Items, rest.Items...) {
			names = append(names, v.Name)
		}
		same(t, "hers", names, shown)
		_, err = r.Channels(t.Context(), "' OR 1=1", 2)
		want(t, err, fault.Invalid)
		ok(t, r.SetMember(t.Context(), anna, hidden.ID, bert.User, Moderator))
		mine, err := r.Mine(t.Context(), bert, "", 0)
		ok(t, err)
		if len(mine.Items) != 2 || mine.Items[0].ID != hidden.ID {
			t.Errorf("%+v", mine)
		}
		_, err = r.Channel(t.Context(), bert, evil.ID)
		want(t, err, fault.NotFound)
		if v, err := r.Channel(t.Context(), anna, evil.ID); err != nil || v.Inside.BanReason != "spam" {
			t.Errorf("%+v %v", v, err)
		}
		err = r.DeleteChannel(t.Context(), bert, evil.ID) // no hint that there is one
		want(t, err, fault.NotFound)
	})
}

func TestMembers(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		o := r.owned(t, "anna")
		bert := servicetest.Person(auth.User)
		want(t, r.SetMember(t.Context(), o.owner, o.ID, bert.User, Owner), fault.Invalid)
		want(t, r.SetMember(t.Context(), o.owner, o.ID, o.owner.User, Manager), fault.Conflict)
		ok(t, r.SetMember(t.Context(), o.owner, o.ID, bert.User, Moderator))
		want(t, r.SetMember(t.Context(), bert, o.ID, bert.User, Manager), fault.Denied)
		ok(t, r.SetMember(t.Context(), o.owner, o.ID, bert.User, Manager))
		list, err := r.Members(t.Context(), bert, o.ID)
		ok(t, err)
		if len(list) != 1 || list[0].User != bert.User || list[0].Role != Manager {
			t.Errorf("%+v", list)
		}
		for range membersEach - 1 {
			ok(t, r.SetMember(t.Context(), o.owner, o.ID, uuid.Must(uuid.NewV7()), Moderator))
		}
		want(t, r.SetMember(t.Context(), o.owner, o.ID, uuid.Must(uuid.NewV7()), Moderator), fault.Conflict)
		ok(t, r.SetMember(t.Context(), o.owner, o.ID, bert.User, Moderator)) // who is in may change
		ok(t, r.RemoveMember(t.Context(), bert, o.ID, bert.User))
		want(t, r.RemoveMember(t.Context(), bert, o.ID, bert.User), fault.Denied)
		want(t, r.RemoveMember(t.Context(), o.owner, o.ID, bert.User), fault.NotFound)
	})
}

func TestBan(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		o := r.owned(t, "anna")
		judge := servicetest.Person(auth.Moderator)
		_, err := r.Ban(t.Context(), o.owner, o.ID, "x")
		want(t, err, fault.Denied)
		_, err = r.Ban(t.Context(), judge, o.ID, "a\x00")
		want(t, err, fault.Invalid)
		v, err := r.Ban(t.Context(), judge, o.ID, "spam")
		ok(t, err)
		if v.Inside.Banned == nil || !v.Inside.Banned.Equal(r.clock.Now()) {
			t.Errorf("%+v", v.Inside)
		}
		_, err = r.Admit(t.Context(), attempt(o.key.Secret))
		if words := refused(t, err, "banned").Words; words != "this channel is banned: spam" {
			t.Error(words)
		}
		_, err = r.AdmitOpen(t.Context(), attempt("anna"))
		refused(t, err, "banned")
		_, err = r.Ban(t.Context(), judge, o.ID, "")
		ok(t, err)
		r.admit(t, o.key.Secret)
	})
}

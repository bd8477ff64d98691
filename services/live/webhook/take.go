package webhook

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/google/uuid"

	"weir/services/backing/bus"
	"weir/services/backing/db"
	"weir/services/event"
)

// Subscription is what endpoints can be told of.
func (s *Service) Subscription() bus.Subscription {
	g := event.WebhookGroup()
	return bus.Subscription{Group: g.Name, Types: g.Types, Handle: s.handle}
}

// handle adds a delivery for each endpoint that wants the event.
func (s *Service) handle(ctx context.Context, q db.Q, e event.Event) error {
	if !event.WebhookGroup().Wants(e.Type) {
		return nil
	}
	st := store{q}
	channel, err := channelOf(e)
	if err != nil {
		return err
	}
	list, err := st.told(ctx, channel)
	if err != nil {
		return err
	}
	text, err := bodyOf(e)
	if err != nil {
		return err
	}
	for _, x := range list {
		if len(x.Types) > 0 && !(event.Group{Types: x.Types}).Wants(e.Type) {
			continue
		}
		if _, err := st.add(ctx, x.ID, e.ID, e.Type, text, s.stamp()); err != nil {
			return err
		}
	}
	if e.Type == (event.ChannelDeleted{}).EventType() {
		return st.channelGone(ctx, channel, s.stamp())
	}
	return nil
}

// channelOf is the channel that an event is about, or the nil UUID.
func channelOf(e event.Event) (uuid.UUID, error) {
	if !ofChannel(e.Type) {
		return uuid.Nil, nil
	}
	var d struct {
		Channel uuid.UUID `json:"channel_id"`
	}
	if err := json.Unmarshal(e.Data, &d); err != nil || d.Channel == uuid.Nil {
		return uuid.Nil, fmt.Errorf("%w: %s names no channel", event.ErrData, e)
	}
	return d.Channel, nil
}

package vod

import "net/http"

func (h *Handler) download(w http.ResponseWriter, r *http.Request, e *entry) { notFound(w) }

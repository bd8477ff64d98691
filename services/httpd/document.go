package httpd

import (
	"sync"

	"github.com/danielgtaylor/huma/v2"
	"github.com/gofiber/fiber/v3"
)

// document serves the description of the API in one format, made when it is first
// asked for: all operations are there by then.
func (s *Server) document(contentType string, render func(*huma.OpenAPI) ([]byte, error)) fiber.Handler {
	text := sync.OnceValues(func() ([]byte, error) { return render(s.Root.OpenAPI()) })
	return func(c fiber.Ctx) error {
		body, err := text()
		if err != nil {
			return err
		}
		c.Set(fiber.HeaderContentType, contentType)
		c.Set(fiber.HeaderCacheControl, "no-cache")
		return c.Send(body)
	}
}

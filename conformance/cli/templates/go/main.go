// Lets Regrant drive application.go: one JSON object a line comes in, one goes out. Little of this has to change.
package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"sync"
	"sync/atomic"
	"time"
)

type object = map[string]any

var hello = object{
	"protocol": 1,
	"adapter":  "my-adapter 1.0.0",
	// REPLACE: what is tested, as it shall be called in reports.
	"target": object{"name": "my-application", "version": "0.0.0", "language": "Go"},
	// REPLACE: leave out what your application cannot do, add what it can. What is not claimed is not judged.
	"claims": []string{
		"sign_in", "sign_out", "session.error", "session.access_token", "session.concurrent",
		"refresh.on_session", "refresh.on_api", "clock.set", "actors.tab", "restart", "logs",
	},
	// REPLACE: the names by which your application says that a refresh has failed.
	"errors": object{"RefreshTokenError": []string{"RefreshError"}},
}

// Request has the members of all verbs.
type Request struct {
	Verb     string   `json:"regrant"`
	ID       uint64   `json:"id"`
	Provider Provider `json:"provider"`
	Scopes   []string `json:"scopes"`
	Clock    string   `json:"clock"`
	NowMS    int64    `json:"now_ms"`
	Actor    string   `json:"actor"`
	Of       any      `json:"of"` // An actor, or the number of a request.
	Kind     string   `json:"kind"`
	Keep     string   `json:"keep"`
	URL      string   `json:"url"`
}

type Provider struct {
	Endpoints struct{ Authorization, Token, Jwks, Userinfo, Revocation string }
	Client    struct{ ID, Secret string }
}

// Browser belongs to an actor; two tabs are one browser.
type Browser struct{ user atomic.Pointer[User] }

type Adapter struct {
	sync.Mutex
	begun       Request
	nowMS       int64
	application *Application
	browsers    map[string]*Browser
}

var errUnsupported = errors.New("unsupported")

// now is the application's clock. REPLACE: let your library read this clock in place of the system's.
func (a *Adapter) now() int64 {
	a.Lock()
	defer a.Unlock()
	if a.begun.Clock == "set" {
		return a.nowMS
	}
	return time.Now().UnixMilli()
}

func (a *Adapter) browser(actor any) *Browser {
	a.Lock()
	defer a.Unlock()
	name := fmt.Sprint(actor)
	if a.browsers[name] == nil {
		a.browsers[name] = &Browser{}
	}
	return a.browsers[name]
}

// arrange does what makes and moves the application.
func (a *Adapter) arrange(request Request) (object, error) {
	switch request.Verb {
	case "hello":
		return hello, nil
	case "start":
		a.Lock()
		defer a.Unlock()
		a.begun, a.nowMS, a.browsers = request, request.NowMS, map[string]*Browser{}
		a.application = &Application{request.Provider, request.Scopes, a.now}
	case "clock":
		a.Lock()
		a.nowMS = request.NowMS
		a.Unlock()
		return object{"now_ms": a.now()}, nil
	case "second":
		if request.Kind != "tab" {
			return nil, errUnsupported
		}
		a.browsers[request.Actor] = a.browser(request.Of)
	case "restart":
		return nil, a.restart(request.Keep == "store")
	case "logs":
		return object{"lines": []string{}}, nil // All that is printed to stderr is read anyway.
	case "stop":
		a.application, a.browsers = nil, nil
	default:
		return nil, errUnsupported
	}
	return nil, nil
}

// restart makes a new application. REPLACE: throw your library's objects away, and make them anew from what the
// application has stored.
func (a *Adapter) restart(keep bool) error {
	a.application = &Application{a.begun.Provider, a.begun.Scopes, a.now}
	for _, browser := range a.browsers {
		user := browser.user.Swap(nil)
		if user == nil || !keep {
			continue
		}
		stored, err := json.Marshal(user.Saved)
		if err != nil {
			return err
		}
		renewed := &User{}
		if err := json.Unmarshal(stored, &renewed.Saved); err != nil {
			return err
		}
		browser.user.Store(renewed)
	}
	return nil
}

// use does what users do.
func use(application *Application, browser *Browser, request Request) (object, error) {
	switch request.Verb {
	case "sign_in":
		user, err := application.SignIn()
		if err != nil {
			return nil, err
		}
		browser.user.Store(user)
	case "sign_out":
		browser.user.Store(nil)
	}
	user := browser.user.Load()
	if user == nil {
		return object{"session": object{"state": "signed_out"}}, nil
	}
	accessToken, err := application.AccessToken(user)
	session := object{"state": "active", "subject": user.Subject()}
	answer := object{"session": session}
	if errors.As(err, new(RefreshError)) {
		session["error"] = "RefreshError"
		return answer, nil
	}
	session["access_token"] = accessToken
	if err == nil && request.Verb == "api" {
		answer["status"], err = application.API(accessToken, request.URL)
	}
	return answer, err
}

func main() {
	adapter := &Adapter{}
	input := bufio.NewScanner(os.Stdin)
	input.Buffer(nil, 8<<20)
	for input.Scan() {
		var request Request
		if err := json.Unmarshal(input.Bytes(), &request); err != nil {
			fmt.Fprintln(os.Stderr, err)
			continue
		}
		switch request.Verb {
		case "sign_in", "session", "api", "sign_out":
			// No request waits for the one before. An error is the application's own.
			application, browser := adapter.application, adapter.browser(request.Actor)
			go func() {
				answer, err := use(application, browser, request)
				say(request.ID, answer, "threw", err)
			}()
		default:
			answer, err := adapter.arrange(request)
			say(request.ID, answer, "broken", err)
		}
	}
}

var output sync.Mutex

// say writes one line.
func say(id uint64, members object, failure string, err error) {
	answer := object{"regrant": "answer", "id": id}
	switch {
	case errors.Is(err, errUnsupported):
		answer["no"] = object{"reason": err.Error()}
	case err != nil:
		answer[failure] = object{"message": err.Error()}
	case members == nil:
		answer["ok"] = object{}
	default:
		answer["ok"] = members
	}
	output.Lock()
	defer output.Unlock()
	json.NewEncoder(os.Stdout).Encode(answer)
}

package main

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"log"
	"net/http"
	"net/url"
	"runtime/debug"
	"strings"
	"sync"

	"golang.org/x/oauth2"
)

const redirectURL = "http://127.0.0.1/callback"

// app keeps a signed-in user per browser, each with the TokenSource of the package.
type app struct {
	conf        *oauth2.Config
	userinfoURL string

	mu       sync.Mutex
	browsers map[string]*browser // two tabs are one browser
}

type browser struct {
	user *user // nil: signed out
}

type user struct {
	subject string
	source  oauth2.TokenSource
	saved   []byte // the token as it was saved when the user signed in
}

func hello() object {
	return object{
		"protocol": 1,
		"adapter":  "x-oauth2 1",
		"target": object{
			"name": "golang.org/x/oauth2", "version": version(), "language": "Go",
			"homepage": "https://pkg.go.dev/golang.org/x/oauth2",
		},
		"claims": []string{
			"sign_in", "sign_out", "session.error", "session.access_token", "session.concurrent", "session.cancel",
			"refresh.on_session", "refresh.on_api", "clock.set", "actors.tab", "restart", "logs",
		},
		"errors": object{"RefreshTokenError": []string{"oauth2.RetrieveError", "url.Error", "error"}},
	}
}

func version() string {
	info, _ := debug.ReadBuildInfo()
	for _, module := range info.Deps {
		if module.Path == "golang.org/x/oauth2" {
			return strings.TrimPrefix(module.Version, "v")
		}
	}
	return "unknown"
}

func newApp(p provider, scopes []string) *app {
	conf := &oauth2.Config{
		ClientID:     p.Client.ID,
		ClientSecret: p.Client.Secret,
		RedirectURL:  redirectURL,
		Scopes:       scopes,
		Endpoint: oauth2.Endpoint{
			AuthURL:   p.Endpoints.Authorization,
			TokenURL:  p.Endpoints.Token,
			AuthStyle: oauth2.AuthStyleInParams, // as google.Endpoint has it
		},
	}
	return &app{conf: conf, userinfoURL: p.Endpoints.Userinfo, browsers: map[string]*browser{}}
}

// restarted is the application after its process has ended: the users come back from their saved tokens, or not at all.
func (a *app) restarted(keep bool) *app {
	conf := &oauth2.Config{
		ClientID: a.conf.ClientID, ClientSecret: a.conf.ClientSecret,
		RedirectURL: a.conf.RedirectURL, Scopes: a.conf.Scopes, Endpoint: a.conf.Endpoint,
	}
	next := &app{conf: conf, userinfoURL: a.userinfoURL, browsers: map[string]*browser{}}
	same := map[*browser]*browser{}
	for actor, old := range a.browsers {
		if same[old] == nil {
			same[old] = &browser{}
			if keep && old.user != nil {
				same[old].user = next.loadUser(old.user.subject, old.user.saved)
			}
		}
		next.browsers[actor] = same[old]
	}
	return next
}

func (a *app) loadUser(subject string, saved []byte) *user {
	var token oauth2.Token
	if err := json.Unmarshal(saved, &token); err != nil {
		panic(err)
	}
	return &user{subject, a.conf.TokenSource(context.Background(), &token), saved}
}

func (a *app) signIn(actor string) (object, error) {
	state, verifier := rand.Text(), oauth2.GenerateVerifier()
	page := a.conf.AuthCodeURL(state, oauth2.AccessTypeOffline, oauth2.ApprovalForce, oauth2.S256ChallengeOption(verifier))
	callback, err := browse(page)
	if err != nil {
		return nil, err
	}
	if callback.Get("error") != "" {
		return nil, fmt.Errorf("the provider answered %q", callback.Get("error"))
	}
	if callback.Get("state") != state {
		return nil, errors.New("the callback has another state")
	}
	ctx := context.Background()
	token, err := a.conf.Exchange(ctx, callback.Get("code"), oauth2.VerifierOption(verifier))
	if err != nil {
		log.Printf("sign-in: %v", err)
		return nil, err
	}
	saved, err := json.Marshal(token)
	if err != nil {
		return nil, err
	}
	source := a.conf.TokenSource(ctx, token)
	subject, err := a.subject(token, source)
	if err != nil {
		return nil, err
	}
	u := &user{subject, source, saved}
	a.put(actor, u)
	return active(u, token.AccessToken), nil
}

// browse is the user's browser: it follows the provider's redirects up to the application's own address.
func browse(page string) (url.Values, error) {
	client := &http.Client{CheckRedirect: func(next *http.Request, _ []*http.Request) error {
		if strings.HasPrefix(next.URL.String(), redirectURL) {
			return http.ErrUseLastResponse
		}
		return nil
	}}
	response, err := client.Get(page)
	if err != nil {
		return nil, err
	}
	response.Body.Close()
	callback, err := response.Location()
	if err != nil {
		return nil, fmt.Errorf("the authorization page answered %s", response.Status)
	}
	return callback.Query(), nil
}

// subject asks the id_token, which came straight from the provider, or else the userinfo endpoint.
// The package has no means to verify an id_token.
func (a *app) subject(token *oauth2.Token, source oauth2.TokenSource) (string, error) {
	var claims struct {
		Sub string `json:"sub"`
	}
	if idToken, ok := token.Extra("id_token").(string); ok {
		parts := strings.Split(idToken, ".")
		payload, err := base64.RawURLEncoding.DecodeString(parts[min(1, len(parts)-1)])
		if err != nil {
			return "", err
		}
		err = json.Unmarshal(payload, &claims)
		return claims.Sub, err
	}
	response, err := oauth2.NewClient(context.Background(), source).Get(a.userinfoURL)
	if err != nil {
		return "", err
	}
	defer response.Body.Close()
	err = json.NewDecoder(response.Body).Decode(&claims)
	return claims.Sub, err
}

func (a *app) session(actor string) object {
	u := a.get(actor)
	if u == nil {
		return signedOut()
	}
	token, err := u.source.Token()
	if err != nil {
		return failed(u, err)
	}
	return active(u, token.AccessToken)
}

func (a *app) api(actor, resource string) (object, error) {
	u := a.get(actor)
	if u == nil {
		return signedOut(), nil
	}
	response, err := oauth2.NewClient(context.Background(), u.source).Get(resource)
	if err != nil {
		return failed(u, err), nil
	}
	response.Body.Close()
	_, sent, _ := strings.Cut(response.Request.Header.Get("Authorization"), " ")
	ok := active(u, sent)
	ok["status"] = response.StatusCode
	return ok, nil
}

func (a *app) signOut(actor string) object {
	a.put(actor, nil)
	return signedOut()
}

func (a *app) share(of, actor string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.browsers[actor] = a.browser(of)
}

func (a *app) get(actor string) *user {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.browser(actor).user
}

func (a *app) put(actor string, u *user) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.browser(actor).user = u
}

func (a *app) browser(actor string) *browser {
	if a.browsers[actor] == nil {
		a.browsers[actor] = &browser{}
	}
	return a.browsers[actor]
}

func signedOut() object {
	return object{"session": object{"state": "signed_out"}}
}

func active(u *user, accessToken string) object {
	return object{"session": object{"state": "active", "subject": u.subject, "access_token": accessToken}}
}

// failed is what the user sees when the package gave an error in place of a token.
func failed(u *user, err error) object {
	log.Printf("no token: %v", err)
	return object{"session": object{"state": "active", "subject": u.subject, "error": errorName(err)}}
}

func errorName(err error) string {
	var refused *oauth2.RetrieveError
	var unreached *url.Error
	switch {
	case errors.As(err, &refused):
		return "oauth2.RetrieveError"
	case errors.As(err, &unreached):
		return "url.Error"
	default:
		return "error" // the package's other errors have no type of their own
	}
}

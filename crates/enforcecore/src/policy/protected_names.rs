//! The names that are protected wherever they stand in a path.

/// Why a name is protected, which decides whether a policy may open it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// Enforcement stands on it, or it can name a server or a hook and so start or leave out the enforcement. Never opened.
    Enforcement,
    /// It starts programs later: at a commit, in a shell, at a build. Opened where every document says so under `unprotected`.
    StartsPrograms,
}

/// A name that is protected wherever it stands in a path, with all that is below it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ProtectedName {
    /// One component of a path, or several that follow each other.
    pub name: &'static str,
    /// Whether a policy may open it.
    pub class: Class,
    /// Whether it may hold a secret, so that a tool that only reads may not look at it either.
    pub secret: bool,
}

const fn enforcement(name: &'static str) -> ProtectedName {
    ProtectedName { name, class: Class::Enforcement, secret: false }
}

const fn starts(name: &'static str) -> ProtectedName {
    ProtectedName { name, class: Class::StartsPrograms, secret: false }
}

impl ProtectedName {
    const fn secret(self) -> ProtectedName {
        ProtectedName { secret: true, ..self }
    }

    pub(crate) fn parts(&self) -> impl Iterator<Item = &'static str> {
        self.name.split('/')
    }
}

/// Every protected name.
pub const PROTECTED_NAMES: &[ProtectedName] = &[
    // Ours, and git's: a repository's configuration names programs that the next `git status` runs.
    enforcement("enforcecore.toml"),
    enforcement(".enforcecore").secret(),
    enforcement(".git"),
    enforcement(".git/config").secret(),
    // Coding agents and editors: each of these can name an MCP server or a hook.
    enforcement(".mcp.json"),
    enforcement("mcp.json"),
    enforcement("mcp_config.json"),
    enforcement(".claude"),
    enforcement(".claude.json").secret(),
    enforcement("claude_desktop_config.json").secret(),
    enforcement(".codex"),
    enforcement(".cursor"),
    enforcement(".gemini"),
    enforcement(".qwen"),
    enforcement(".amazonq"),
    enforcement(".roo"),
    enforcement(".cline"),
    enforcement(".zed"),
    enforcement(".vscode"),
    enforcement("opencode.json"),
    enforcement("opencode.jsonc"),
    enforcement(".opencode"),
    enforcement(".windsurf"),
    enforcement(".codeium"),
    enforcement(".kiro"),
    enforcement(".continue"),
    enforcement(".devcontainer"),
    enforcement(".devcontainer.json"),
    enforcement(".junie"),
    enforcement(".copilot"),
    enforcement(".github/hooks"),
    enforcement(".factory"),
    enforcement(".goose"),
    enforcement(".crush"),
    enforcement(".crush.json"),
    enforcement("crush.json"),
    enforcement(".amp"),
    enforcement(".augment"),
    enforcement(".trae"),
    enforcement(".openhands"),
    enforcement(".pi"),
    enforcement(".claude-plugin"),
    enforcement("cline_mcp_settings.json"),
    enforcement(".config/zed"),
    enforcement(".config/goose"),
    enforcement(".config/amp"),
    // Editors and agents that run what their settings name, and can name no server.
    starts(".idea"),
    starts(".aider.conf.yml"),
    // Hook managers, and git's own files in a work tree or a home folder.
    starts(".husky"),
    starts(".githooks"),
    starts(".pre-commit-config.yaml"),
    starts(".pre-commit-config.yml"),
    starts(".huskyrc"),
    starts("lefthook-local.yml"),
    starts("lefthook.yml"),
    starts("lefthook.yaml"),
    starts(".lefthook.yml"),
    starts(".lefthook.yaml"),
    starts(".gitmodules"),
    starts(".hg"),
    starts(".jj"),
    starts(".gitconfig").secret(),
    starts(".config/git").secret(),
    starts(".git-credentials").secret(),
    // Package and version managers.
    starts(".npmrc").secret(),
    starts(".yarnrc").secret(),
    starts(".yarnrc.yml").secret(),
    starts(".pnpmfile.cjs"),
    starts("bunfig.toml").secret(),
    starts(".pypirc").secret(),
    starts("pip.conf").secret(),
    starts(".cargo").secret(),
    starts("mise.toml"),
    starts("mise.local.toml"),
    starts(".mise.local.toml"),
    starts(".config/mise"),
    starts(".mise.toml"),
    starts(".mise"),
    starts(".tool-versions"),
    starts(".envrc").secret(),
    // Shells, and what a system starts at a login.
    starts(".bashrc"),
    starts(".bash_profile"),
    starts(".bash_login"),
    starts(".bash_logout"),
    starts(".bash_aliases"),
    starts(".profile"),
    starts(".zshrc"),
    starts(".zshenv"),
    starts(".zprofile"),
    starts(".zlogin"),
    starts(".zlogout"),
    starts(".xprofile"),
    starts(".vimrc"),
    starts(".exrc"),
    starts(".gdbinit"),
    starts(".direnvrc"),
    starts(".config/fish"),
    starts(".config/autostart"),
    starts(".config/systemd"),
    starts(".ssh").secret(),
    starts(".netrc").secret(),
    // Build servers.
    starts(".github/workflows"),
    starts(".github/actions"),
    starts(".gitea/workflows"),
    starts(".forgejo/workflows"),
    starts(".gitlab-ci.yml"),
    starts(".travis.yml"),
    starts(".circleci"),
];

impl ProtectedName {
    /// Why a call may not reach it, for a tool of this name.
    pub(crate) fn reason(&self, tool: &str) -> String {
        let name = self.name;
        match self.class {
            Class::Enforcement if self.secret => format!("leads to `{name}`, which no tool may touch"),
            Class::Enforcement => format!("leads to `{name}`, which no tool may change"),
            Class::StartsPrograms => format!(
                "leads to `{name}`, which starts programs later or holds a secret; a policy opens it to this tool by \
                 `unprotected: {{{tool}: [{name}]}}`"
            ),
        }
    }
}

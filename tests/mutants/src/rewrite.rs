//! One file with a switch for each of its mutants, which is the file itself while all are off. Only insertions, so that switches nest, and no
//! operand stands twice, so that they do not multiply.

use std::collections::{BTreeMap, BTreeSet};

use proc_macro2::{LineColumn, Span};
use syn::spanned::Spanned;
use syn::visit::{self, Visit};
use syn::{
    Arm, BinOp, Block, Expr, ExprBinary, ExprPath, ExprStruct, ExprUnary, ImplItemFn, ItemConst, ItemFn, Signature,
    UnOp,
};

use crate::list::{Genre, Mutant};

/// A text that comes in at a place; at one place, what closes comes first, the innermost before, then what opens, the outermost before.
struct Edit {
    from: usize,
    to: usize,
    rank: (bool, isize),
    text: String,
}

struct Rewriter<'m> {
    lines: Vec<usize>,
    text: &'m str,
    mutants: Vec<&'m Mutant>,
    edits: Vec<Edit>,
    done: BTreeSet<usize>,
    never: BTreeSet<usize>,
    /// What else a constant of this file would be. Inside it nothing can be asked, so that its uses are changed.
    constants: BTreeMap<String, Vec<(usize, String)>>,
}

/// A file with its switches.
pub(crate) struct Rewritten {
    pub(crate) text: String,
    /// The mutants that are in it.
    pub(crate) done: BTreeSet<usize>,
    /// Those that the language does not allow.
    pub(crate) never: BTreeSet<usize>,
}

pub(crate) fn rewritten(text: &str, mutants: Vec<&Mutant>) -> Rewritten {
    let file = syn::parse_file(text).expect("the file parses");
    let lines = std::iter::once(0).chain(text.match_indices('\n').map(|(at, _)| at + 1)).collect();
    let (done, never, constants) = (BTreeSet::new(), BTreeSet::new(), BTreeMap::new());
    let mut rewriter = Rewriter { lines, text, mutants, edits: Vec::new(), done, never, constants };
    rewriter.visit_file(&file);
    let Rewriter { mut edits, done, never, .. } = rewriter;
    edits.sort_by_key(|edit| (edit.from, edit.rank));
    let (mut out, mut at) = (String::new(), 0);
    for edit in edits {
        out.push_str(&text[at..edit.from]);
        out.push_str(&edit.text);
        at = edit.to;
    }
    out.push_str(&text[at..]);
    Rewritten { text: out, done, never }
}

/// What asks for a mutant, on a line of its own, so that an error leads back to it.
fn asks(number: usize) -> String {
    format!("\n/*M{number}*/ crate::mutant::on({number}) ")
}

impl Rewriter<'_> {
    fn offset(&self, place: LineColumn) -> usize {
        let line = self.lines[place.line - 1];
        // Columns count characters.
        self.text[line..].char_indices().nth(place.column).map_or(self.text.len(), |(at, _)| line + at)
    }

    /// The mutants of a kind that stand here.
    fn here(&self, genre: Genre, span: Span) -> Vec<(usize, String)> {
        let place = (span.start().line, span.start().column + 1);
        let here = self.mutants.iter().filter(|one| one.genre == genre && one.at == place);
        here.map(|one| (one.number, one.replacement.clone())).collect()
    }

    /// The same, to be put in.
    fn at(&mut self, genre: Genre, span: Span) -> Vec<(usize, String)> {
        let found = self.here(genre, span);
        self.done.extend(found.iter().map(|(number, _)| *number));
        found
    }

    fn around(&mut self, span: Span, before: &str, after: &str) {
        let sequence = isize::try_from(self.edits.len()).unwrap_or(isize::MAX);
        let (from, to) = (self.offset(span.start()), self.offset(span.end()));
        self.edits.push(Edit { from, to: from, rank: (true, sequence), text: before.to_owned() });
        self.edits.push(Edit { from: to, to, rank: (false, -sequence), text: after.to_owned() });
    }

    fn instead(&mut self, span: Span, text: &str) {
        let (from, to) = (self.offset(span.start()), self.offset(span.end()));
        self.edits.push(Edit { from, to, rank: (true, 0), text: text.to_owned() });
    }

    fn function(&mut self, signature: &Signature, block: &Block) {
        let Some(first) = block.stmts.first() else { return };
        let ways = self.at(Genre::Function, first.span());
        if ways.is_empty() {
            return;
        }
        if let Some(word) = &signature.constness {
            self.instead(word.span(), "");
        }
        let returns: String =
            ways.iter().map(|(number, value)| format!("if {}{{ return {value}; }}", asks(*number))).collect();
        let open = block.brace_token.span.open();
        let from = self.offset(open.end());
        self.edits.push(Edit { from, to: from, rank: (true, -1), text: format!("{returns}\n") });
    }

    fn binary(&mut self, expression: &ExprBinary) {
        let ways = self.at(Genre::Binary, expression.op.span());
        let Some((first, _)) = ways.first() else { return };
        let (whole, sign) = (expression.span(), expression.op.span());
        let operator = &self.text[self.offset(sign.start())..self.offset(sign.end())].to_owned();
        match expression.op {
            BinOp::And(_) | BinOp::Or(_) => {
                let bound = if matches!(expression.op, BinOp::And(_)) { "!=" } else { "==" };
                self.around(whole, "({ let left_: bool = ", "\n} else { left_ } })");
                self.instead(sign, &format!("; if left_ {bound} {}{{", asks(*first)));
            }
            BinOp::Eq(_) | BinOp::Ne(_) if ways.len() == 1 => {
                self.around(whole, "((", &format!(") != {})", asks(*first)));
            }
            BinOp::AddAssign(_) | BinOp::SubAssign(_) | BinOp::MulAssign(_) | BinOp::DivAssign(_) => {
                self.done.retain(|number| ways.iter().all(|(one, _)| one != number));
            }
            BinOp::Eq(_) | BinOp::Ne(_) | BinOp::Lt(_) | BinOp::Le(_) | BinOp::Gt(_) | BinOp::Ge(_) => {
                self.around(whole, "(match (&(", &chosen(&ways, operator, "*"));
                self.instead(sign, "), &(");
            }
            _ => {
                self.around(whole, "(match ((", &chosen(&ways, operator, ""));
                self.instead(sign, "), (");
            }
        }
    }
}

/// The end of a match on two operands: one of the ways, or the operator itself.
fn chosen(ways: &[(usize, String)], operator: &str, sort: &str) -> String {
    let way = |(number, other): &(usize, String)| {
        format!("if {}{{ {sort}left_ {other} {sort}right_ /*M{number}*/ }} else ", asks(*number))
    };
    let ways: String = ways.iter().map(way).collect();
    format!(")) {{ (left_, right_) => {ways}\n{{ {sort}left_ {operator} {sort}right_ }} }})")
}

/// Whether a condition binds names, which it cannot do inside a block.
fn binds(expression: &Expr) -> bool {
    match expression {
        Expr::Let(_) => true,
        Expr::Binary(both) => binds(&both.left) || binds(&both.right),
        _ => false,
    }
}

impl<'ast> Visit<'ast> for Rewriter<'_> {
    fn visit_item_fn(&mut self, function: &'ast ItemFn) {
        self.function(&function.sig, &function.block);
        visit::visit_item_fn(self, function);
    }

    fn visit_impl_item_fn(&mut self, function: &'ast ImplItemFn) {
        self.function(&function.sig, &function.block);
        visit::visit_impl_item_fn(self, function);
    }

    fn visit_item_const(&mut self, constant: &'ast ItemConst) {
        let Expr::Binary(whole) = &*constant.expr else { return };
        let place = |span: Span| (self.offset(span.start()), self.offset(span.end()));
        let ((from, to), (sign, right)) = (place(whole.span()), place(whole.op.span()));
        let other = |other: &str| format!("{}{other}{}", &self.text[from..sign], &self.text[right..to]);
        let ways = self.here(Genre::Binary, whole.op.span());
        let ways = ways.iter().map(|(number, sign)| (*number, other(sign))).collect();
        self.constants.insert(constant.ident.to_string(), ways);
    }

    fn visit_expr_path(&mut self, path: &'ast ExprPath) {
        let name = path.path.get_ident().map(ToString::to_string).unwrap_or_default();
        for (number, value) in self.constants.get(&name).cloned().unwrap_or_default() {
            self.done.insert(number);
            self.around(path.span(), &format!("(if {}{{ {value} }} else {{ ", asks(number)), " })");
        }
    }

    fn visit_expr_struct(&mut self, expression: &'ast ExprStruct) {
        let (from, to) = (self.offset(expression.span().start()), self.offset(expression.span().end()));
        for pair in expression.fields.pairs() {
            let field = pair.value().span();
            let (start, end) = (self.offset(field.start()), self.offset(pair.span().end()));
            for (number, _) in self.at(Genre::Field, field) {
                let without = format!("{}{}", &self.text[from..start], &self.text[end..to]);
                self.around(expression.span(), &format!("(if {}{{ {without} }} else {{ ", asks(number)), " })");
            }
        }
        visit::visit_expr_struct(self, expression);
    }

    fn visit_expr_binary(&mut self, expression: &'ast ExprBinary) {
        if !binds(&expression.left) && !binds(&expression.right) {
            self.binary(expression);
        } else {
            // Between what binds names only `&&` can stand.
            self.never.extend(self.here(Genre::Binary, expression.op.span()).iter().map(|(number, _)| *number));
        }
        visit::visit_expr_binary(self, expression);
    }

    fn visit_expr_unary(&mut self, expression: &'ast ExprUnary) {
        if matches!(expression.op, UnOp::Not(_)) {
            for (number, _) in self.at(Genre::Unary, expression.op.span()) {
                self.around(expression.span(), "((", &format!(") != {})", asks(number)));
            }
        }
        visit::visit_expr_unary(self, expression);
    }

    fn visit_arm(&mut self, arm: &'ast Arm) {
        let left_out = self.at(Genre::Arm, arm.span());
        match &arm.guard {
            Some((_, guard)) => {
                for (number, _) in left_out {
                    self.around(guard.span(), &format!("!{} && (", asks(number)), ")");
                }
                for (number, value) in self.at(Genre::Guard, guard.span()) {
                    let not = if value == "true" { "" } else { "!" };
                    let both = if value == "true" { "||" } else { "&&" };
                    self.around(guard.span(), &format!("({not}{} {both} (", asks(number)), "))");
                }
            }
            None => {
                for (number, _) in left_out {
                    let from = self.offset(arm.pat.span().end());
                    self.edits.push(Edit { from, to: from, rank: (false, 0), text: format!(" if !{}", asks(number)) });
                }
            }
        }
        visit::visit_arm(self, arm);
    }
}

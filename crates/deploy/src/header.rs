//! A C and C++ header that holds a model and says how to use it.

use std::fmt::Write;

use danas_space::Shape;

use crate::int8::Quantisation;
use crate::read::{ReadError, read};
use crate::schema::Builtin;

/// Bytes of the model per line.
const BYTES_PER_LINE: usize = 16;

/// What a header says beside the model.
#[derive(Debug, Clone, Copy)]
pub struct Header<'a> {
    /// The name of everything in the header, made a C identifier where it is none.
    pub name: &'a str,
    /// The names of the classes, in the order of the outputs.
    pub classes: &'a [String],
    /// The tensor arena that the model needs, in bytes.
    pub arena_bytes: u64,
}

/// Why a header could not be made.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum HeaderError {
    /// The bytes are not a model.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// The number of names is not the number of outputs.
    #[error("there are {found} class names for {expected} outputs")]
    Classes {
        /// Outputs of the model.
        expected: usize,
        /// Names that were given.
        found: usize,
    },
}

/// A C identifier that resembles a name.
pub(crate) fn identifier(name: &str) -> String {
    let mut identifier: String = name
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() { c } else { '_' })
        .collect();
    // Identifiers that start with an underscore are reserved.
    if !identifier.starts_with(|c: char| c.is_ascii_alphabetic()) {
        identifier.insert_str(0, "model_");
    }
    identifier
}

/// A C string literal: everything but plain ASCII as three octal digits, question marks escaped because two
/// of them may start a trigraph.
pub(crate) fn literal(text: &str) -> String {
    let mut literal = String::from("\"");
    for byte in text.bytes() {
        match byte {
            b'"' | b'\\' | b'?' => {
                literal.push('\\');
                literal.push(char::from(byte));
            }
            b' '..=b'~' => literal.push(char::from(byte)),
            other => push(&mut literal, format_args!("\\{other:03o}")),
        }
    }
    literal.push('"');
    literal
}

/// A C literal that is read back as the same float.
pub(crate) fn float(value: f32) -> String {
    format!("{value:e}f")
}

fn push(text: &mut String, arguments: std::fmt::Arguments<'_>) {
    text.write_fmt(arguments)
        .expect("writing to a string cannot fail");
}

macro_rules! line {
    ($text:expr) => { $text.push('\n') };
    ($text:expr, $($arguments:tt)*) => {{
        push($text, format_args!($($arguments)*));
        $text.push('\n');
    }};
}

/// The shape and the quantisation of the input, or of the output.
fn tensor_macros(text: &mut String, prefix: &str, shape: Shape, quantisation: Quantisation) {
    line!(text, "#define {prefix}_HEIGHT {}", shape.height);
    line!(text, "#define {prefix}_WIDTH {}", shape.width);
    line!(text, "#define {prefix}_CHANNELS {}", shape.channels);
    line!(text, "#define {prefix}_BYTES {}", shape.elements());
    line!(text, "#define {prefix}_SCALE {}", float(quantisation.scale));
    line!(
        text,
        "#define {prefix}_ZERO_POINT ({})",
        quantisation.zero_point
    );
}

/// The macro for the alignment of the model, for every language level that has one.
fn alignment_macro(text: &mut String, macros: &str) {
    line!(text, "#if defined(__cplusplus)");
    line!(text, "#define {macros}_ALIGN alignas(16)");
    line!(
        text,
        "#elif defined(__STDC_VERSION__) && __STDC_VERSION__ >= 201112L"
    );
    line!(text, "#define {macros}_ALIGN _Alignas(16)");
    line!(text, "#else");
    line!(text, "#define {macros}_ALIGN __attribute__((aligned(16)))");
    line!(text, "#endif");
}

/// How a resolver learns the operators.
fn resolver_macros(text: &mut String, macros: &str, operators: &[Builtin]) {
    line!(
        text,
        "/* tflite::MicroMutableOpResolver<{macros}_OPERATORS> resolver; {macros}_REGISTER(resolver); */"
    );
    line!(text, "#define {macros}_OPERATORS {}", operators.len());
    line!(text, "#define {macros}_REGISTER(resolver) \\");
    line!(text, "  do {{ \\");
    for operator in operators {
        line!(text, "    (resolver).{}(); \\", operator.method);
    }
    line!(text, "  }} while (0)");
}

/// How a pixel becomes an input.
fn preprocessing(text: &mut String, macros: &str, input: Shape, quantisation: Quantisation) {
    let colour = match input.channels {
        1 => "grey (ITU-R 601 luma of colour pictures)",
        3 => "red, green, blue",
        _ => "channels",
    };
    line!(
        text,
        "/* Input: rows of pixels from the top left, each {colour}, one byte per channel:"
    );
    if quantisation == Quantisation::PIXELS {
        line!(
            text,
            " * a pixel value p in 0..255 is stored as the int8 number p - 128."
        );
    } else {
        line!(
            text,
            " * a pixel value p in 0..255 means x = (p - 128) / 128 and is stored as the int8 number"
        );
        line!(
            text,
            " * round(x / {macros}_INPUT_SCALE) + {macros}_INPUT_ZERO_POINT."
        );
    }
    line!(
        text,
        " * Larger pictures: the shorter side is averaged over areas to the input's, then the centre is cut out."
    );
    line!(
        text,
        " * Output: one int8 number q per class; (q - {macros}_OUTPUT_ZERO_POINT) * {macros}_OUTPUT_SCALE is the"
    );
    line!(text, " * value of the class, and the greatest one wins. */");
}

/// Makes a header for C (from C99 with GNU attributes, otherwise C11) and C++ (from C++11) of the `.tflite`
/// file `bytes`. What it says about the model is read from those bytes. Include it in one source file only:
/// every inclusion stores the model.
///
/// # Errors
/// [`HeaderError`] when the bytes are not a model, or when there is not one class name per output.
pub fn c_header(bytes: &[u8], header: &Header<'_>) -> Result<String, HeaderError> {
    let model = read(bytes)?;
    if header.classes.len() != model.outputs() {
        return Err(HeaderError::Classes {
            expected: model.outputs(),
            found: header.classes.len(),
        });
    }
    let name = identifier(header.name);
    let macros = name.to_ascii_uppercase();
    let graph = model.graph();
    let quantisations = model.quantisations();
    let (input, output) = (quantisations[0], quantisations[graph.layers.len()]);
    let output_shape = graph
        .layers
        .last()
        .map_or(graph.input, |layer| layer.output);

    // Each byte of the model takes at most five characters.
    let mut text = String::with_capacity(bytes.len() * 5 + 8192);
    let text_ref = &mut text;
    line!(
        text_ref,
        "/* An int8 model for TensorFlow Lite for Microcontrollers, written by danas. */"
    );
    line!(text_ref, "#ifndef {macros}_H");
    line!(text_ref, "#define {macros}_H");
    line!(text_ref);
    preprocessing(text_ref, &macros, graph.input, input);
    tensor_macros(text_ref, &format!("{macros}_INPUT"), graph.input, input);
    tensor_macros(text_ref, &format!("{macros}_OUTPUT"), output_shape, output);
    line!(text_ref);
    line!(
        text_ref,
        "/* Bytes of the tensor arena that the interpreter needs. */"
    );
    line!(
        text_ref,
        "#define {macros}_ARENA_BYTES {}",
        header.arena_bytes
    );
    line!(text_ref);
    resolver_macros(text_ref, &macros, &Builtin::used(graph));
    line!(text_ref);
    line!(
        text_ref,
        "#define {macros}_CLASSES {}",
        header.classes.len()
    );
    line!(
        text_ref,
        "static const char *const {name}_classes[{macros}_CLASSES] = {{"
    );
    for class in header.classes {
        line!(text_ref, "  {},", literal(class));
    }
    line!(text_ref, "}};");
    line!(text_ref);
    alignment_macro(text_ref, &macros);
    line!(text_ref, "#define {macros}_MODEL_BYTES {}", bytes.len());
    line!(
        text_ref,
        "{macros}_ALIGN static const unsigned char {name}_model[{macros}_MODEL_BYTES] = {{"
    );
    for row in bytes.chunks(BYTES_PER_LINE) {
        text_ref.push(' ');
        for byte in row {
            push(text_ref, format_args!(" {byte},"));
        }
        line!(text_ref);
    }
    line!(text_ref, "}};");
    line!(text_ref);
    line!(text_ref, "#endif /* {macros}_H */");
    Ok(text)
}
